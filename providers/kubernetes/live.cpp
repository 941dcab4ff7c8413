#include "providers/kubernetes/live.h"

#include <algorithm>
#include <functional>

#include "base/json.h"
#include "base/problem.h"
#include "providers/kubernetes/gather.h"
#include "providers/kubernetes/pod_reasons.h"
#include "providers/kubernetes/state.h"

namespace gitopsd::kubernetes {
namespace {

/// From here on a list is cheaper than a GET each: 1,000 objects take 20 ms against 300.
constexpr std::size_t kManyOfAKind = 32;
constexpr int kSweepPage = 250;
constexpr std::chrono::seconds kStillFresh{3};
/// A kind that is missing is looked for again at most this often.
constexpr std::chrono::seconds kAgain{5};

/// Where the kind itself is not served (any more), the answer is 404, too, and names nothing.
bool tells_of_an_object(const HttpResponse& answer) {
  const Value status = status_of(answer);
  const Value* details = status.find("details");
  return details && !details->get_string("name").empty();
}

Looked nobody_knows(std::string why) {
  Looked looked;
  looked.error = std::move(why);
  return looked;
}

/// The token for the next page, before the page is parsed. Empty also where the items come first, as those of
/// custom resources do.
std::string next_page(std::string_view body) {
  const auto metadata = body.substr(0, std::min(body.find("\"items\":"), body.size()));
  constexpr std::string_view key = "\"continue\":\"";
  const auto at = metadata.find(key);
  if (at == metadata.npos) return {};
  const auto begin = at + key.size();
  return std::string(metadata.substr(begin, metadata.find('"', begin) - begin));
}

}  // namespace

Looked look_at(const Value& object, const Id& id, const std::optional<Receipt>& receipt,
               const Ignored& ignored, const OwnedDigests& digests, const HealthJudge& health) {
  Looked looked;
  looked.there = true;
  if (const Value* metadata = object.find("metadata")) {
    looked.uid = metadata->get_string("uid");
    looked.resource_version = metadata->get_string("resourceVersion");
    looked.going = metadata->find("deletionTimestamp") != nullptr;
  }
  looked.owner = owner_of(object, id);
  looked.other = last_other(object);
  if (const Value* fields = our_fields(object)) {
    looked.entry = digests.entry(*fields);
    if (receipt) looked.owned = digests.owned(object, *fields, receipt->bare);
    if (receipt) looked.yielded = digests.only_yielded(object, *receipt, ignored);
  }
  looked.health = health.judge(object);
  if (looked.health.health == protocol::Health::progressing ||
      looked.health.health == protocol::Health::degraded)
    looked.pods = pod_selector(object);
  return looked;
}

bool Looked::is_as(const Receipt& receipt) const {
  const bool same = entry == receipt.entry && owned == receipt.owned;
  return there && !going && uid == receipt.uid && (same || yielded);
}

std::shared_ptr<Live::Sweep> Live::sweep_of(const Group& group) {
  const std::lock_guard lock(mutex_);
  auto& sweep = sweeps_[group];
  if (!sweep) sweep = std::make_shared<Sweep>();
  return sweep;
}

/// Who asks because of a change has to see it: a list that is older than the change would hide it for good.
bool Live::Sweep::can_answer(const Id& id, const Memory& memory) const {
  return Monotonic::now() - began < kStillFresh && !unread.contains(id.name) &&
         !memory.moved_since(id, began);
}

/// What is not in the list is not there.
Looked Live::Sweep::take(const std::string& name) {
  const auto it = looked.find(name);
  if (it == looked.end()) return {};
  Looked out = std::move(it->second);
  looked.erase(it);
  unread.insert(name);
  if (looked.empty()) forget();
  return out;
}

void Live::Sweep::forget() {
  began = {};
  looked.clear();
  unread.clear();
}

std::future<HttpResponse> Live::ask_for_page(const std::string& path, const std::string& next,
                                             const Policy& policy) {
  HttpRequest request;
  request.path =
      path + "?limit=" + std::to_string(kSweepPage) + (next.empty() ? "" : "&continue=" + escape(next));
  request.headers = policy.headers();
  auto promise = std::make_shared<std::promise<HttpResponse>>();
  auto answer = promise->get_future();
  cluster_.http().start(std::move(request),
                        [promise](HttpResponse response) { promise->set_value(std::move(response)); });
  return answer;
}

/// Page by page, so that memory holds one page of full objects. Throws Failure.
bool Live::sweep(Sweep& sweep, const Group& group, const std::map<std::string_view, const Wanted*>& wanted,
                 const Policy& policy, const Memory& memory) {
  sweep.forget();
  const auto began = Monotonic::now();
  const auto kinds = cluster_.kinds();
  const KindInfo* kind = kinds->find(group.type);
  if (!kind) throw fail(ProblemCause::destination, "the cluster has no kind " + group.type.str());
  const std::string path = path_of(*kind, group.type, group.version, group.space, {});
  // The next page is on its way while this one is read.
  auto coming = ask_for_page(path, {}, policy);
  while (coming.valid()) {
    auto response = coming.get();
    if (response.status == 403) return false;
    if (response.status != 200) throw cluster_.failure_of(response, "cannot list " + group.type.str());
    const std::string next = next_page(response.body);
    if (!next.empty()) coming = ask_for_page(path, next, policy);
    Value page = parse_go_json(std::exchange(response.body, {}), path);
    const Value* more = page.at_pointer("/metadata/continue");
    if (next.empty() && more && !more->as_string().empty())
      coming = ask_for_page(path, more->as_string(), policy);
    take_page(sweep, group, std::move(page), wanted, policy, memory);
  }
  sweep.began = began;
  return true;
}

void Live::take_page(Sweep& sweep, const Group& group, Value page,
                     const std::map<std::string_view, const Wanted*>& wanted, const Policy& policy,
                     const Memory& memory) {
  const std::string version =
      group.type.group.empty() ? group.version : group.type.group + "/" + group.version;
  for (Value& item : page.as_object().at("items").as_array()) {
    const Value* name = item.at_pointer("/metadata/name");
    if (!name) continue;
    const Id id{group.type, group.space, name->as_string()};
    const auto asked = wanted.find(id.name);
    const auto receipt = asked == wanted.end() ? memory.receipt(id) : asked->second->receipt;
    if (asked == wanted.end() && !receipt) {
      sweep.unread.insert(id.name);
      continue;
    }
    // Items of a list do not say what they are.
    item.set("apiVersion", version);
    item.set("kind", group.type.kind);
    sweep.looked.insert_or_assign(id.name, look_at(item, id, receipt, policy.ignored(id), digests_, health_));
  }
}

bool Live::look_by_list(const Group& group, const Members& members, const std::vector<Wanted>& wanted,
                        std::vector<Looked>& out, const Policy& policy, const Memory& memory) {
  const auto sweep = sweep_of(group);
  const std::lock_guard lock(sweep->mutex);
  const bool fresh = std::all_of(members.begin(), members.end(),
                                 [&](std::size_t i) { return sweep->can_answer(wanted[i].id, memory); });
  try {
    std::map<std::string_view, const Wanted*> by_name;
    for (const std::size_t i : members) by_name.emplace(wanted[i].id.name, &wanted[i]);
    if (!fresh && !this->sweep(*sweep, group, by_name, policy, memory)) return false;
    for (const std::size_t i : members) out[i] = sweep->take(wanted[i].id.name);
  } catch (const Failure& failure) {
    sweep->forget();
    for (const std::size_t i : members) out[i] = nobody_knows(failure.what());
  }
  return true;
}

void Live::look_each(const Members& members, const std::vector<Wanted>& wanted, std::vector<Looked>& out,
                     const Kinds& kinds, const Policy& policy) {
  std::vector<HttpRequest> requests;
  for (const std::size_t i : members) {
    const auto& [id, receipt] = wanted[i];
    const std::string version = receipt ? ApiVersion::parse(receipt->version).version : std::string();
    requests.push_back(read_request(kinds, id, version, policy));
  }
  const auto answers = send_all(cluster_.http(), std::move(requests));
  for (std::size_t k = 0; k < members.size(); ++k) {
    const auto& [id, receipt] = wanted[members[k]];
    const auto& answer = answers[k];
    if (answer.status == 404 && tells_of_an_object(answer)) continue;
    Looked& looked = out[members[k]];
    try {
      looked = answer.status == 200
                   ? look_at(parse_go_json(answer.body, id.str()), id, receipt, policy.ignored(id), digests_,
                             health_)
                   : nobody_knows(cluster_.failure_of(answer, "cannot read " + id.str()).what());
    } catch (const Failure& failure) {
      looked = nobody_knows(failure.what());
    }
  }
}

std::vector<Looked> Live::look(const std::vector<Wanted>& wanted, const Policy& policy,
                               const Memory& memory) {
  std::vector<Looked> out(wanted.size());
  auto kinds = cluster_.kinds();
  if (!std::all_of(wanted.begin(), wanted.end(), [&](const Wanted& one) { return kinds->find(one.id.type); }))
    kinds = cluster_.kinds_not_older_than(kAgain);
  std::map<Group, Members> groups;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto& [id, receipt] = wanted[i];
    const KindInfo* kind = kinds->find(id.type);
    if (!kind || kind->versions.empty()) {
      out[i] = nobody_knows("the cluster has no kind " + id.type.str());
      continue;
    }
    const std::string version = receipt ? ApiVersion::parse(receipt->version).version : std::string();
    groups[{id.type, kind->served(version), id.space, policy.user}].push_back(i);
  }
  Members each;
  for (const auto& [group, members] : groups) {
    if (members.size() < kManyOfAKind || !look_by_list(group, members, wanted, out, policy, memory))
      each.insert(each.end(), members.begin(), members.end());
  }
  look_each(each, wanted, out, *kinds, policy);
  return out;
}

}  // namespace gitopsd::kubernetes
