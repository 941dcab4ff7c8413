// Which of the commits that events of one ref name is applied, and which is not there yet.
#include <algorithm>

#include "base/log.h"
#include "daemon/sync/backoff.h"
#include "daemon/sync/dispatcher_state.h"

namespace gitopsd::sync {
namespace {

using source::Standing;
constexpr int kMissingAskedAgain = 5;  // after 0.3, 0.6, 1.2, 2.4 and 4.8 s

}  // namespace

/// The commit to apply among those that events of one ref name: the tip, else the farthest on the way to it.
/// Peels the events' tags on the way.
std::optional<CommitId> DispatcherImpl::choose(const Repo& repo, const CommitId& tip,
                                               std::vector<store::Event>& events) {
  std::optional<CommitId> chosen;
  for (auto& e : events) {
    if (const auto commit = repo->mirror->peel(e.after)) e.after = *commit;
    if (e.after == tip) chosen = tip;
  }
  if (chosen) return chosen;
  for (const auto& e : events) {
    if (!repo->mirror->has(e.after)) continue;
    if (repo->mirror->standing(e.after, tip, CommitId{}) != Standing::ahead) continue;
    if (!chosen || repo->mirror->standing(e.after, tip, *chosen) == Standing::ahead) chosen = e.after;
  }
  return chosen;
}

/// Takes out the events whose commit is not here, or that the ref does not lead to yet, unless older ones
/// than the chosen: a forge may tell of a push before each of its replicas has it. They are asked for a few
/// times more; then there never was such a commit, or the ref was moved away from it.
void DispatcherImpl::await_missing(const Repo& repo, const Ref& ref, const CommitId& tip,
                                   const std::optional<CommitId>& chosen, std::vector<store::Event>& events) {
  EventId newest;
  for (const auto& e : events) {
    if (chosen && e.after == *chosen) newest = std::max(newest, e.id);
  }
  std::erase_if(events, [&](store::Event& e) {
    if (e.id <= newest) return false;
    const bool told = e.cause == store::Cause::push || e.cause == store::Cause::redelivery;
    const bool here = repo->mirror->has(e.after);
    const bool late = !here || (told && repo->mirror->peel(e.after) &&
                                repo->mirror->standing(tip, e.after, CommitId{}) == Standing::ahead);
    if (!late) return false;
    int asked = kMissingAskedAgain + 1;
    if (told) {
      std::lock_guard lock(mutex_);
      asked = ++repo->missing[e.id];
      if (asked > kMissingAskedAgain) repo->missing.erase(e.id);
    }
    const std::string commit = e.after.short_str();
    if (asked <= kMissingAskedAgain) {
      const auto delay = backoff(env_.missing_delay, asked - 1);
      env_.store->add_attempt(e.id);
      e.state = store::EventState::queued;
      e.reason = "the repository does not give out " + commit + " on " + ref.str() + " yet; asked again in " +
                 std::to_string(delay.count() / 1000 + 1) + " s";
      env_.store->set_event(e.id, e.state, e.reason);
      log::info("a commit is not there yet; asked for again",
                {{"event", e.id.value}, {"commit", e.after.str()}, {"ref", ref.str()}});
      fetchers_->at(Monotonic::now() + delay, [this, e] { take_event(e); });
      return true;
    }
    if (here) return false;
    log::warning("event ended", {{"event", e.id.value},
                                 {"state", "failed"},
                                 {"reason", "the repository has no commit " + e.after.str()},
                                 {"ref", ref.str()}});
    env_.store->set_event(e.id, store::EventState::failed,
                          commit + " is no commit that the repository gives out on " + ref.str(),
                          "the repository has no commit " + e.after.str() + " on " + ref.str());
    return true;
  });
  std::lock_guard lock(mutex_);
  for (const auto& e : events) repo->missing.erase(e.id);
}

}  // namespace gitopsd::sync
