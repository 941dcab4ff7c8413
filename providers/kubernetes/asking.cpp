#include "providers/kubernetes/asking.h"

#include <utility>

#include "providers/kubernetes/gather.h"
#include "providers/kubernetes/verbs.h"

namespace gitopsd::kubernetes {

void ask_all(Cluster& cluster, std::vector<Asking>& asked, const protocol::Owner& owner, const Policy& policy,
             const Kinds& kinds) {
  std::vector<HttpRequest> requests;
  std::vector<WantedObject> objects;
  std::vector<Asking*> first, second;
  for (auto& each : asked) {
    const Manifest& manifest = *each.manifest;
    objects.push_back({manifest.id, manifest.version});
    if (policy.ignored(manifest.id).fields()) {
      second.push_back(&each);
      continue;
    }
    first.push_back(&each);
    requests.push_back(apply_request(manifest, owner, policy, {}, true));
  }
  Gathering dry_runs(cluster.http(), std::exchange(requests, {}));
  auto live = read_objects(cluster, kinds, policy, objects);
  for (std::size_t i = 0; i < asked.size(); ++i) asked[i].live = std::move(live[i]);
  const auto take = [](const std::vector<Asking*>& whose, std::vector<HttpResponse> answers) {
    for (std::size_t i = 0; i < whose.size(); ++i) whose[i]->dry_run = std::move(answers[i]);
  };
  take(first, dry_runs.wait());
  for (Asking* each : second) {
    Manifest sent = *each->manifest;
    if (each->live.response.status == 200)
      sent.object = LeftToOthers(policy.ignored(sent.id), each->live.object).as_it_is(sent.object);
    requests.push_back(apply_request(sent, owner, policy, {}, true));
  }
  take(second, send_all(cluster.http(), std::move(requests)));
}

}  // namespace gitopsd::kubernetes
