// Deletions that the destination has taken, and that somebody else delays (a finalizer). They hold up nothing
// but what is deleted after them, and the end of the application: their entries keep the intention to delete,
// which is settled when the provider tells that they are gone.
#include <algorithm>

#include "daemon/sync/run.h"

namespace gitopsd::sync {
namespace {

constexpr std::size_t kMostNamed = 5;

}  // namespace

std::string Run::going_text() const {
  std::string out;
  std::size_t named = 0;
  for (const auto& [id, why] : going_) {
    if (++named > kMostNamed) return out + "; and " + std::to_string(going_.size() - kMostNamed) + " more";
    // The provider's text names it, or goes on from its name.
    out += (out.empty() ? "" : "; ") + (why.starts_with(id.str()) ? why : id.str() + " " + why);
  }
  return out;
}

/// Asked for, which is on record from now on; done only when it is gone.
void Run::keep_going(const protocol::Step& step, const std::string& why) {
  going_.insert_or_assign(step.id, why);
  const auto entry = work_.entries.find(step.id);
  const std::string before = entry == work_.entries.end() ? std::string() : entry->second.owned_digest;
  scope_.store.settle(
      scope_.application.uid, id_,
      std::vector<store::Store::Settled>{{step.id, false, {}, {}, audit_entry(step, before)}});
}

/// Those that an earlier sync asked for have it already.
void Run::intend_going() {
  std::vector<store::InventoryEntry> intents;
  std::vector<ResourceId> ids;
  for (const auto& [id, why] : going_) ids.push_back(id);
  for (auto& entry : scope_.store.inventory(scope_.application.uid, ids)) {
    if (entry.intended_sync) continue;
    entry.intended_sync = id_;
    entry.intended_digest.clear();
    intents.push_back(std::move(entry));
  }
  if (!intents.empty()) scope_.store.intend(scope_.application.uid, id_, intents);
}

void Run::look_at_going() {
  if (going_.empty()) return;
  settle_open_intents(scope_, id_, job_.kind == Kind::remove);
  std::vector<ResourceId> ids;
  for (const auto& [id, why] : going_) ids.push_back(id);
  std::map<ResourceId, std::string> left;
  for (const auto& entry : scope_.store.inventory(scope_.application.uid, ids))
    left.emplace(entry.id, going_.at(entry.id));
  deleted_ += static_cast<int>(going_.size() - left.size());
  going_ = std::move(left);
}

/// What is deleted later is what those that go may need for it: the controller of a finalizer, a definition.
Outcome Run::gone_before(const std::vector<protocol::Step>& wave) {
  const bool removes = std::any_of(wave.begin(), wave.end(),
                                   [](const auto& step) { return step.action == protocol::Action::remove; });
  if (!removes) return succeeded_outcome();
  look_at_going();
  if (going_.empty()) return succeeded_outcome();
  const auto now = scope_.clock.monotonic();
  if (!going_until_) going_until_ = now + scope_.application.health_timeout;
  if (job_.kind != Kind::remove && now >= *going_until_)
    return fail_over(
        fail(ProblemCause::destination, "not gone in time, and deleted before others: " + going_text()));
  return wait_for_going();
}

/// Without a worker, as health is waited for.
Outcome Run::wait_for_going() {
  const std::string why = going_text();
  auto t = transition(store::SyncState::waiting_health);
  t.reason = why;
  scope_.store.set_sync(id_, t);
  progress_("waiting", why);
  return {Outcome::Kind::waiting, why, {}, ProblemCause::internal, false};
}

}  // namespace gitopsd::sync
