#include "providers/kubernetes/asking.h"

#include "base/json.h"
#include "providers/kubernetes/gather.h"
#include "providers/kubernetes/verbs.h"

namespace gitopsd::kubernetes {
namespace {

/// An answer that cannot be read is the planner's to tell.
std::optional<Value> live_object(const HttpResponse& response, const Id& id) try {
  if (response.status != 200) return std::nullopt;
  return parse_go_json(response.body, id.str());
} catch (const Failure&) {
  return std::nullopt;
}

}  // namespace

void ask_all(Cluster& cluster, std::vector<Asking>& asked, const protocol::Owner& owner, const Policy& policy,
             const Kinds& kinds) {
  std::vector<HttpRequest> requests;
  std::vector<HttpResponse*> answers;
  const auto send = [&] {
    auto got = send_all(cluster.http(), std::exchange(requests, {}));
    for (std::size_t i = 0; i < got.size(); ++i) *answers[i] = std::move(got[i]);
    answers.clear();
  };
  std::vector<Asking*> second;
  for (auto& each : asked) {
    const Manifest& manifest = *each.manifest;
    requests.push_back(read_request(kinds, manifest.id, manifest.version, policy));
    answers.push_back(&each.live);
    if (policy.ignored(manifest.id).fields()) {
      second.push_back(&each);
      continue;
    }
    requests.push_back(apply_request(manifest, owner, policy, {}, true));
    answers.push_back(&each.dry_run);
  }
  send();
  for (Asking* each : second) {
    const Ignored ignored = policy.ignored(each->manifest->id);
    Manifest sent = *each->manifest;
    if (const auto live = live_object(each->live, sent.id))
      sent.object = LeftToOthers(ignored, *live).as_it_is(sent.object);
    requests.push_back(apply_request(sent, owner, policy, {}, true));
    answers.push_back(&each->dry_run);
  }
  if (!second.empty()) send();
}

}  // namespace gitopsd::kubernetes
