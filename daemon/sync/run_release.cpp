// What an application no longer declares and does not delete: it is never pruned, or another one declares it
// now. It stays as it is, and stops to be owned by this one.
#include <algorithm>
#include <utility>

#include "daemon/sync/run.h"

namespace gitopsd::sync {

/// Of what is to be removed. A deletion that was asked for already is no longer anybody's to keep.
void Run::choose_releases() {
  if (job_.kind == Kind::heal || work_.remove.empty()) return;
  std::vector<store::InventoryEntry> asked;
  for (const auto& id : work_.remove) {
    const auto entry = work_.entries.find(id);
    if (entry == work_.entries.end()) continue;
    const bool going = entry->second.intended_sync && entry->second.intended_digest.empty();
    if (!going && !is_hook(entry->second.resource)) asked.push_back(entry->second);
  }
  heirs_ = heirs_of(scope_, job_.kind == Kind::commit ? job_.revision : CommitId{}, before_.revision, asked);
  std::erase_if(work_.remove, [&](const ResourceId& id) {
    const auto entry = work_.entries.find(id);
    if (const auto heir = heirs_.of.find(id); heir != heirs_.of.end())
      passed_on_.insert_or_assign(id, heir->second);
    else if (heirs_.unsure.contains(id))
      awaited_.push_back(id);
    else if (entry != work_.entries.end() && asks(entry->second, protocol::Prune::never))
      kept_.push_back(id);
    else
      return false;
    return true;
  });
}

/// Somebody may declare others by now.
void Run::put_back_releases() {
  for (const auto& [id, heir] : std::exchange(passed_on_, {})) work_.remove.push_back(id);
  for (auto* apart : {&kept_, &awaited_}) {
    for (auto& id : std::exchange(*apart, {})) work_.remove.push_back(std::move(id));
  }
  std::sort(work_.remove.begin(), work_.remove.end());
}

protocol::Step Run::release_step(const ResourceId& id, const std::string& reason) const {
  protocol::Step step;
  step.key = "release " + id.str();
  step.id = id;
  step.action = protocol::Action::release;
  step.reason = reason;
  return step;
}

/// They are shown and approved like every other change; no wave has them.
void Run::add_release_steps() {
  for (const auto& [id, heir] : passed_on_)
    steps_.push_back(
        release_step(id, "handed over to application " + heir.name.str() + ", which declares it"));
  for (const auto& id : kept_)
    steps_.push_back(release_step(id, "no longer declared; stays as it is, since it is never pruned"));
}

/// Recorded like a step, though nobody does anything.
void Run::release() {
  const auto owned = [&](const ResourceId& id) { return work_.entries.at(id).owned_digest; };
  std::vector<store::Store::Settled> kept;
  std::vector<store::Store::Handed> handed;
  for (const auto& step : steps_) {
    if (step.action != protocol::Action::release || !work_.entries.contains(step.id)) continue;
    auto entry = audit_entry(step, owned(step.id));
    if (const auto heir = passed_on_.find(step.id); heir != passed_on_.end()) {
      handed.push_back({step.id, heir->second.uid, heir->second.at, std::move(entry)});
      handed_[heir->second.uid].push_back(step.id);
    } else {
      kept.push_back({step.id, true, {}, {}, std::move(entry)});
    }
    work_.entries.erase(step.id);
  }
  let_go_ = let_go_ || !kept.empty() || !handed.empty();
  scope_.store.hand_over(scope_.application.uid, id_, handed);
  scope_.store.settle(scope_.application.uid, id_, kept);
  kept_.clear();
  passed_on_.clear();
}

std::string Run::awaits_word_of() const {
  if (awaited_.empty()) return {};
  std::string ids = awaited_.front().str();
  if (awaited_.size() > 1) ids += " and " + std::to_string(awaited_.size() - 1) + " more";
  return "no longer declared, and kept while nobody knows whether another application declares it: " + ids +
         "; application " + heirs_.unreadable;
}

/// Everything else is done: it ends, and is tried again when that application can be read, or by itself.
Outcome Run::wait_for_word() {
  auto outcome = fail_over(fail(ProblemCause::conflict, awaits_word_of(),
                                "gitopsctl status shows what is wrong with that application"));
  if (outcome.kind == Outcome::Kind::failed) outcome.awaits = heirs_.who;
  return outcome;
}

}  // namespace gitopsd::sync
