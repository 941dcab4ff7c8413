// What was applied is waited for: until it is healthy, and until hooks have ended.
#include <algorithm>
#include <utility>

#include "daemon/sync/run.h"

namespace gitopsd::sync {
namespace {

using namespace std::chrono_literals;
constexpr auto kLookTimeout = 300s;

/// What a provider remembers of a write may be known only when its effects have come to an end.
void learn(const store::InventoryEntry& entry, const protocol::Observation& seen,
           std::vector<store::Store::Settled>& learned) {
  if (!seen.receipt.empty() && seen.receipt != entry.receipt && !entry.intended_sync)
    learned.push_back({entry.id, false, entry.owned_digest, seen.receipt, {}});
}

}  // namespace

Outcome Run::health_of_wave() {
  // A hook that was begun is a step that was begun: it ends before something newer comes.
  if (running_.empty())
    if (auto outcome = finish_superseded(); outcome.kind != Outcome::Kind::succeeded) return outcome;
  if (settling_.empty()) return succeeded_outcome();
  auto bad = look_at_settling();
  if (!bad.empty()) {
    unhealthy_ = true;
    if (!go_past(bad, next_wave_)) return fail_with(bad);
  }
  if (settling_.empty()) return succeeded_outcome();
  if (scope_.clock.monotonic() >= health_deadline_) {
    unhealthy_ = true;
    return fail_with({{{},
                       {ProblemCause::destination,
                        "not healthy in time: " + settling_why_,
                        "raise health_timeout of the application if it needs longer",
                        {},
                        {}}}});
  }
  if (std::exchange(told_waiting_, settling_why_) != settling_why_) {
    auto t = transition(store::SyncState::waiting_health);
    t.reason = settling_why_;
    scope_.store.set_sync(id_, t);
    progress_("waiting", settling_why_);
  }
  return {Outcome::Kind::waiting, settling_why_, {}, ProblemCause::internal, false};
}

/// What is not yet healthy stays in `settling_`; returns what is bad.
std::vector<Refused> Run::look_at_settling() {
  settling_why_.clear();
  std::vector<Refused> bad;
  const auto all = std::exchange(settling_, {});
  for (std::size_t start = 0; start < all.size(); start += kBatchCount) {
    const std::size_t end = std::min(all.size(), start + kBatchCount);
    look_at(
        {all.begin() + static_cast<std::ptrdiff_t>(start), all.begin() + static_cast<std::ptrdiff_t>(end)},
        bad);
  }
  return bad;
}

/// What runs after all is healthy asks for more than what this sync applied, where it goes on with another's
/// work. Other waves need not wait for those of their group.
Outcome Run::health_before_wave() {
  const Wave& wave = waves_[next_wave_];
  const bool last = !wave.steps.empty() && wave.steps.front().hook == protocol::Hook::post;
  if (all_to_settle_ && last) {
    all_to_settle_ = false;
    for (const auto& entry : scope_.store.inventory(scope_.application.uid))
      if (!entry.owned_digest.empty() && !is_hook(entry.resource)) settling_.push_back(entry.id);
    health_deadline_ = scope_.clock.monotonic() + scope_.application.health_timeout;
  }
  const bool joins = !group_.empty() && wave.group == group_;
  return joins ? succeeded_outcome() : health_of_wave();
}

/// What is neither healthy nor bad goes on settling.
void Run::look_at(const std::vector<ResourceId>& ids, std::vector<Refused>& bad) {
  auto request = observe_request(scope_);
  request.watch = true;
  std::map<ResourceId, store::InventoryEntry> entries;
  for (auto& e : scope_.store.inventory(scope_.application.uid, ids)) {
    request.entries.push_back(owned_entry(e));
    entries.insert_or_assign(e.id, std::move(e));
  }
  const auto result = scope_.provider->observe(request, work_.blobs.get(), Monotonic::now() + kLookTimeout);
  std::map<ResourceId, const protocol::Observation*> seen;
  for (const auto& o : result.observations) seen.emplace(o.id, &o);
  std::vector<ResourceId> ended;
  std::vector<store::Store::Settled> learned;
  for (const auto& id : ids) {
    const auto it = seen.find(id);
    if (it != seen.end() && it->second->drift == protocol::DriftState::yes)
      unlike_.insert(id);
    else
      unlike_.erase(id);
    const auto health = it == seen.end() ? protocol::Health::unknown : it->second->health;
    const std::string reason = it == seen.end() ? "not observed" : it->second->reason;
    const bool hook = running_.contains(id) && entries.contains(id);
    const bool well = health == protocol::Health::healthy || (health == protocol::Health::suspended && !hook);
    if (hook && (well || health == protocol::Health::degraded)) {
      hook_ended(entries.at(id), *it->second, well);
      ended.push_back(id);
    }
    if (well && !hook && it->second->live == protocol::Live::ours && entries.contains(id))
      learn(entries.at(id), *it->second, learned);
    if (well) continue;
    if (health == protocol::Health::degraded) {
      hook_failed_ = hook_failed_ || hook;
      bad.push_back({id,
                     {ProblemCause::destination,
                      (hook ? "the hook " : "") + id.str() + (hook ? " failed: " : " is Degraded: ") + reason,
                      {},
                      {},
                      {}}});
      continue;
    }
    settling_.push_back(id);
    if (settling_why_.empty())
      settling_why_ =
          id.str() + " is " + std::string(to_string(health)) + (reason.empty() ? "" : ": " + reason);
  }
  if (!learned.empty()) scope_.store.settle(scope_.application.uid, id_, learned);
  clear_away(ended);
}

/// Their end is on disk: shown that, the provider takes away what they are not to leave.
void Run::clear_away(const std::vector<ResourceId>& ended) {
  if (ended.empty()) return;
  auto request = observe_request(scope_);
  for (const auto& entry : scope_.store.inventory(scope_.application.uid, ended))
    request.entries.push_back(owned_entry(entry));
  scope_.provider->observe(request, work_.blobs.get(), Monotonic::now() + kLookTimeout);
}

}  // namespace gitopsd::sync
