#include <iterator>
#include <set>

#include "base/log.h"
#include "base/problem.h"
#include "providers/kubernetes/gather.h"
#include "providers/kubernetes/order.h"
#include "providers/kubernetes/pod_reasons.h"
#include "providers/kubernetes/spaces.h"
#include "providers/kubernetes/verbs.h"

namespace gitopsd::kubernetes {
namespace {

using namespace std::chrono_literals;
using protocol::DriftState;
using protocol::Entry;
using protocol::Health;
using protocol::Observation;

constexpr auto kFirstSight = 10s;

class ObjectObserver {
 public:
  ObjectObserver(State& state, const protocol::ObserveRequest& request) : state_(state), request_(request) {}
  protocol::ObserveResult run();

 private:
  struct Asked {
    const Entry* entry = nullptr;
    Id id;
    std::optional<Receipt> receipt;
  };
  void read_entries(std::vector<Asked>&, protocol::ObserveResult&);
  bool known_without_asking(const Asked&, Observation&) const;
  std::set<std::string> doubtful_spaces(const std::vector<Asked>&) const;
  void await_spaces(const std::vector<const Asked*>&, const std::vector<Looked>&, std::vector<Observation>&);
  void judge(const Asked&, const Looked&, Observation&);
  void compare(const Asked&, const Looked&, Observation&);
  static void judge_hook(const Receipt&, const Looked&, Observation&);
  void clear_away(const Asked&, const Observation&);
  static Observation nobody_knows(const Entry&, std::string reason);

  State& state_;
  const protocol::ObserveRequest& request_;
  std::shared_ptr<const Policy> policy_;
};

protocol::ObserveResult ObjectObserver::run() {
  std::vector<protocol::WireProblem> problems;
  policy_ = std::make_shared<const Policy>(Policy::parse(request_.policy, problems));
  if (!problems.empty()) throw fail(ProblemCause::input, problems[0].message, problems[0].hint);
  protocol::ObserveResult result;
  std::vector<Asked> asked;
  read_entries(asked, result);
  const auto doubtful = doubtful_spaces(asked);
  std::vector<Live::Wanted> wanted;
  std::vector<const Asked*> looked_at;
  for (const auto& one : asked) {
    Observation seen;
    if (!request_.full && !doubtful.contains(one.id.space) && known_without_asking(one, seen)) {
      result.observations.push_back(std::move(seen));
      continue;
    }
    wanted.push_back({one.id, one.receipt});
    looked_at.push_back(&one);
  }
  auto live = state_.live.look(wanted, *policy_, state_.memory());
  add_pod_reasons(state_.cluster, *policy_, wanted, live);
  std::vector<Observation> told(looked_at.size());
  for (std::size_t i = 0; i < looked_at.size(); ++i) {
    judge(*looked_at[i], live[i], told[i]);
    clear_away(*looked_at[i], told[i]);
  }
  await_spaces(looked_at, live, told);
  std::move(told.begin(), told.end(), std::back_inserter(result.observations));
  return result;
}

/// Of a namespace that has gone nothing is left, whether each was told already or not.
std::set<std::string> ObjectObserver::doubtful_spaces(const std::vector<Asked>& asked) const {
  std::set<std::string> doubtful;
  for (const auto& one : asked) {
    Observation ignored;
    if (one.id.type == kNamespace && !known_without_asking(one, ignored)) doubtful.insert(one.id.name);
  }
  return doubtful;
}

/// What differs in a namespace that goes, or is not there, is not to be put back before that is over.
void ObjectObserver::await_spaces(const std::vector<const Asked*>& asked, const std::vector<Looked>& live,
                                  std::vector<Observation>& told) {
  std::set<std::string> names;
  const auto name_of = [&](std::size_t i) -> std::string {
    if (told[i].drift != DriftState::yes) return {};
    const Id& id = asked[i]->id;
    return id.type != kNamespace ? id.space : live[i].going ? id.name : std::string();
  };
  for (std::size_t i = 0; i < told.size(); ++i)
    if (auto name = name_of(i); !name.empty()) names.insert(std::move(name));
  if (names.empty()) return;
  const auto answers = send_all(state_.cluster.http(), space_requests(names, *policy_));
  const auto spaces = spaces_in(answers, names);
  for (std::size_t i = 0; i < told.size(); ++i) {
    const auto space = spaces.find(name_of(i));
    if (space == spaces.end() || space->second.text.empty()) continue;
    told[i].waits = space->second.text;
    told[i].on = Id{kNamespace, {}, space->first}.str();
  }
}

/// Watch first, then look: what changes in between is told.
void ObjectObserver::read_entries(std::vector<Asked>& asked, protocol::ObserveResult& result) {
  std::set<std::pair<GroupKind, std::string>> places;
  for (const auto& entry : request_.entries) {
    const auto id = Id::parse(entry.id.str());
    if (!id) {
      result.observations.push_back(nobody_knows(entry, "no id of this provider"));
      continue;
    }
    if (const auto breach = policy_->breach(*id, !id->space.empty())) {
      result.observations.push_back(nobody_knows(entry, breach->message));
      continue;
    }
    auto receipt = entry.owned ? Receipt::parse(entry.owned->receipt) : std::nullopt;
    if (request_.watch && receipt) {
      state_.watch.add(*id, request_.owner.application, *receipt, policy_);
      places.emplace(id->type, id->space);
    }
    asked.push_back({&entry, *id, std::move(receipt)});
  }
  const auto deadline = Monotonic::now() + kFirstSight;
  for (const auto& [type, space] : places) state_.watch.await_seen(type, space, deadline);
}

Observation ObjectObserver::nobody_knows(const Entry& entry, std::string reason) {
  Observation seen;
  seen.id = entry.id;
  seen.reason = std::move(reason);
  return seen;
}

bool ObjectObserver::known_without_asking(const Asked& one, Observation& seen) const {
  if (!one.receipt || !one.receipt->hook.empty() || !one.entry->from.empty() ||
      one.receipt->ignored != policy_->ignored(one.id).key())
    return false;
  seen.id = one.entry->id;
  const auto view = state_.watch.view(one.id, *one.receipt);
  if (view != Watch::View::same) return false;
  const auto health = state_.health.always_healthy(one.id.type) ? Judgement{Health::healthy, {}}
                                                                : state_.watch.health(one.id);
  if (!health) return false;
  // What ails its Pods changes while nobody writes the workload.
  if (health->health != Health::healthy && makes_pods(one.id.type)) return false;
  seen.live = protocol::Live::ours;
  seen.drift = DriftState::no;
  seen.health = health->health;
  seen.reason = health->reason;
  return true;
}

void ObjectObserver::judge(const Asked& one, const Looked& looked, Observation& seen) {
  seen.id = one.entry->id;
  if (!looked.error.empty()) {
    seen = nobody_knows(*one.entry, looked.error);
  } else if (one.receipt && !one.receipt->hook.empty()) {
    judge_hook(*one.receipt, looked, seen);
    if (looked.there) state_.watch.judged(one.id, looked.resource_version, looked.health);
  } else if (!looked.there) {
    seen.live = protocol::Live::absent;
    seen.drift = one.entry->owned ? DriftState::yes : DriftState::no;
    seen.health = Health::missing;
    seen.reason = "it does not exist";
  } else {
    compare(one, looked, seen);
    if (seen.drift == DriftState::yes) {
      seen.by = looked.other.manager;
      seen.at = looked.other.time;
    }
    state_.watch.judged(one.id, looked.resource_version, looked.health);
    seen.health = looked.health.health;
    if (seen.reason.empty()) seen.reason = looked.health.reason;
  }
}

/// It has no drift: what is there is of a run, and its health tells how that goes.
void ObjectObserver::judge_hook(const Receipt& receipt, const Looked& looked, Observation& seen) {
  const bool same = looked.there && looked.uid == receipt.uid;
  seen.drift = DriftState::no;
  seen.live = same ? protocol::Live::ours : looked.there ? protocol::Live::foreign : protocol::Live::absent;
  seen.health = Health::degraded;
  seen.reason = "somebody deleted it before its end was seen";
  if (same) {
    seen.health = looked.health.health == Health::suspended ? Health::progressing : looked.health.health;
    seen.reason = looked.health.reason;
  }
  if (seen.health != Health::healthy && seen.health != Health::degraded) return;
  Receipt told = receipt;
  told.hook = HookSpec::ended(receipt.hook);
  seen.receipt = told.text();
}

/// A hook of which the daemon knows the end: before, a daemon that was cut off would run it again. Nobody
/// waits for the deletion: what stays goes before the next run.
void ObjectObserver::clear_away(const Asked& one, const Observation& seen) {
  if (!one.receipt || !HookSpec::has_ended(one.receipt->hook)) return;
  state_.watch.remove(one.id);
  if (seen.live != protocol::Live::ours || !HookSpec::goes_after(one.receipt->hook, seen.health) ||
      holds_data(one.id.type))
    return;
  HttpRequest request = read_request(*state_.cluster.kinds(), one.id, {}, *policy_);
  make_deletion(request, one.receipt->uid);
  state_.cluster.http().start(std::move(request), [id = one.id.str()](const HttpResponse& response) {
    if (response.status < 300 || response.status == 404 || response.status == 409) return;
    log::warning("a hook's object stays although it has ended",
                 {{"resource", id}, {"status", response.status}, {"error", response.error}});
  });
}

void ObjectObserver::compare(const Asked& one, const Looked& looked, Observation& seen) {
  const bool marked = looked.owner && stands_for(*looked.owner, request_.owner, one.entry->from);
  if (looked.owner && !marked) {
    seen.live = protocol::Live::foreign;
    seen.drift = DriftState::yes;
    seen.reason = "it belongs to application '" + looked.owner->application + "'";
    return;
  }
  const bool same = one.receipt && looked.uid == one.receipt->uid;
  seen.live = marked || same ? protocol::Live::ours : protocol::Live::foreign;
  // A write of ours whose end nobody heard of: the next plan compares it with its document.
  if (!one.receipt) return;
  if (looked.owner && *looked.owner != request_.owner) {
    seen.drift = DriftState::yes;
    seen.reason = "handed over by application '" + one.entry->from + "'";
    return;
  }
  if (one.receipt->ignored != policy_->ignored(one.id).key()) {
    seen.drift = DriftState::yes;
    seen.reason = "what the policy ignores of it has changed";
    return;
  }
  if (looked.is_as(*one.receipt)) {
    seen.drift = DriftState::no;
    Receipt now = *one.receipt;
    now.entry = looked.entry;
    now.owned = looked.owned;
    now.resource_version = looked.resource_version;
    state_.watch.knows(one.id, now);
    return;
  }
  seen.drift = DriftState::yes;
  seen.reason = looked.going                         ? "it is being deleted"
                : !same                              ? "it was deleted and made anew"
                : looked.entry != one.receipt->entry ? "others changed what it declares"
                                                     : "its values or their order were changed";
}

}  // namespace

protocol::ObserveResult observe(State& state, const protocol::ObserveRequest& request) {
  return ObjectObserver(state, request).run();
}

}  // namespace gitopsd::kubernetes
