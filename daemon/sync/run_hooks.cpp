// Hooks: when they run in a sync, what is on record of it, and how a sync ends that has some for its failure.
//
// Before a sync changes anything, each hook that it will run is recorded as owed; its end is recorded, too.
// So a sync that was cut off goes on where it was: what is done is not run again, and what is owed is not
// forgotten.
#include <algorithm>

#include "base/hash.h"
#include "daemon/sync/run.h"

namespace gitopsd::sync {

using protocol::Action;
using protocol::Hook;

namespace {

constexpr const char* kOwed = "owed";  // and perhaps begun: the provider knows, by the number of the sync
constexpr const char* kDone = "done";
constexpr std::string_view kFailed = "failed ";
constexpr std::size_t kMostMessage = 2000;

/// As it is on record: "done@DIGEST", of what the sync was to bring.
struct Recorded {
  std::string state, of;
};

Recorded recorded(const std::string& text) {
  const auto at = text.find('@');
  if (at == std::string::npos || text.find(' ') < at) return {text, {}};
  const auto end = std::min(text.find(' ', at), text.size());
  return {text.substr(0, at) + text.substr(end), text.substr(at + 1, end - at - 1)};
}

std::string to_record(const std::string& state, const std::string& of) {
  if (of.empty()) return state;
  const auto end = std::min(state.find(' '), state.size());
  return state.substr(0, end) + "@" + of + state.substr(end);
}

bool is_hook_run(const store::Store::Effect& effect) {
  const auto state = recorded(effect.rerun).state;
  return state == kOwed || state == kDone || state.starts_with(kFailed);
}

/// What a sync is to bring, compared with the last that succeeded: the same for the same documents, whatever
/// of them has been applied already.
std::string digest_of(const store::DeclaredChange& change) {
  std::map<std::string, std::string> put;
  for (const auto& row : change.put) put.emplace(row.id.str(), row.digest);
  const std::set<ResourceId> removed(change.removed.begin(), change.removed.end());
  Hasher hasher;
  hasher.field("documents");
  for (const auto& [id, digest] : put) hasher.field(id).field(digest);
  hasher.field("removed");
  for (const auto& id : removed) hasher.field(id.str());
  return to_hex(hasher.finish());
}

}  // namespace

/// Before everything, among it, after it; each in waves of its own. Where nothing is to be done, none runs,
/// and where something is left out, none that is for the end of a sync that goes well.
void Run::part_waves(std::map<int, Wave> by_wave, std::vector<protocol::Step> hooks) {
  bool work = owes_hooks() || std::any_of(by_wave.begin(), by_wave.end(), [](const auto& wave) {
                return std::any_of(wave.second.steps.begin(), wave.second.steps.end(),
                                   [](const auto& step) { return step.action != Action::none; });
              });
  for (const auto& step : hooks) {
    const auto entry = work_.entries.find(step.id);
    const bool as_it_ran = entry != work_.entries.end() && entry->second.owned_digest == step.digest &&
                           !entry->second.intended_sync;
    work = work || (step.hook != Hook::fail && !as_it_ran);
  }
  std::map<int, Wave> before, after, on_failure;
  for (auto& step : hooks) {
    const auto run = hook_runs_.find(step.key);
    if (!work || (run != hook_runs_.end() && run->second.state == kDone)) continue;
    if (step.hook == Hook::post && !work_.left_out.empty()) continue;
    auto& part = step.hook == Hook::pre    ? before
                 : step.hook == Hook::sync ? by_wave
                 : step.hook == Hook::post ? after
                                           : on_failure;
    Wave& wave = part[step.wave];
    wave.group.clear();  // what runs has to end
    wave.steps.push_back(std::move(step));
  }
  steps_.clear();
  waves_.clear();
  fail_waves_.clear();
  for (auto* part : {&before, &by_wave, &after, &on_failure}) {
    for (auto& [number, wave] : *part) {
      steps_.insert(steps_.end(), wave.steps.begin(), wave.steps.end());
      (part == &on_failure ? fail_waves_ : waves_).push_back(std::move(wave));
    }
  }
}

/// What an earlier sync of the very same left: it was cut off, or is tried again. Where only the settings or
/// the render context are others now, the documents have to tell whether it is the same.
void Run::take_up_hooks() {
  hook_runs_.clear();
  if (job_.kind != Kind::commit && job_.kind != Kind::rollback) return;
  for (const auto& open : scope_.store.open_effects(scope_.application.uid)) {
    if (!is_hook_run(open)) continue;
    const auto other = scope_.store.sync(open.sync);
    if (!other || other->state == store::SyncState::succeeded || other->kind != to_string(job_.kind))
      continue;
    auto [state, of] = recorded(open.rerun);
    const bool same_key = other->revision == job_.revision && other->input_key == job_.input_key;
    const bool same_source = !of.empty() && !job_.source_key.empty() && other->source_key == job_.source_key;
    if (same_key || same_source)
      hook_runs_.insert_or_assign(open.key, HookRun{open.sync, std::move(state), std::move(of), same_key});
  }
}

/// Now that it is known what this sync is to bring.
void Run::keep_hooks_of_same() {
  if (job_.kind == Kind::commit) documents_ = digest_of(work_.declared);
  std::erase_if(hook_runs_,
                [this](const auto& run) { return !run.second.of_same_key && run.second.of != documents_; });
  begun_ = all_to_settle_ = !hook_runs_.empty();
}

bool Run::owes_hooks() const {
  return std::any_of(hook_runs_.begin(), hook_runs_.end(),
                     [](const auto& run) { return run.second.state != kDone; });
}

void Run::record_hook(const std::string& key, const std::string& state) {
  HookRun& run = hook_runs_.at(key);
  run.state = state;
  scope_.store.begin_effect(scope_.application.uid, {run.sync, key, to_record(state, documents_), false});
}

void Run::owe(const std::vector<protocol::Step>& steps) {
  for (const auto& step : steps) {
    if (step.hook != Hook::none && hook_runs_.try_emplace(step.key, HookRun{id_, {}}).second)
      record_hook(step.key, kOwed);
  }
}

/// Now that this sync begins, nobody comes back to what another one left.
void Run::owe_hooks() {
  if (job_.kind != Kind::commit && job_.kind != Kind::rollback) return;
  for (const auto& open : scope_.store.open_effects(scope_.application.uid)) {
    const auto run = hook_runs_.find(open.key);
    if (is_hook_run(open) && (run == hook_runs_.end() || run->second.sync != open.sync))
      scope_.store.end_effect(scope_.application.uid, open.sync, open.key);
  }
  for (const auto& wave : waves_) owe(wave.steps);
  // Where it is cut off before it fails, the next one has nothing left to begin, and yet is the one that
  // fails.
  for (const auto& wave : fail_waves_) owe(wave.steps);
}

/// After success nothing is owed. After a failure the next try of the same goes on with what was not begun
/// and with what still runs; it runs anew what failed, and what was there for the failure.
void Run::close_hooks(bool well) {
  std::set<std::string> for_failure;
  for (const auto& step : steps_)
    if (step.hook == Hook::fail) for_failure.insert(step.key);
  for (const auto& [key, run] : hook_runs_)
    if (well || run.state.starts_with(kFailed) || for_failure.contains(key))
      scope_.store.end_effect(scope_.application.uid, run.sync, key);
}

/// By it the provider knows whether a run was begun already.
SyncId Run::number_of(const protocol::Step& step) const {
  const auto run = hook_runs_.find(step.key);
  return step.hook == Hook::none || run == hook_runs_.end() ? id_ : run->second.sync;
}

/// Its health tells so. One that failed keeps the mark of one that has only begun: it counts as changed until
/// it ends well.
void Run::hook_ended(const store::InventoryEntry& entry, const protocol::Observation& seen, bool well) {
  const auto it = running_.find(entry.id);
  const auto step = it->second;
  running_.erase(it);
  const store::Store::Settled settled{entry.id,
                                      false,
                                      well ? step.digest : entry.owned_digest,
                                      seen.receipt.empty() ? entry.receipt : seen.receipt,
                                      {}};
  scope_.store.settle(scope_.application.uid, id_, {&settled, 1});
  record_hook(step.key,
              well ? std::string(kDone) : std::string(kFailed) + seen.reason.substr(0, kMostMessage));
}

/// A sync that fails after something of it was begun runs its hooks for that, and has failed then. What is
/// tried again has not failed yet.
Outcome Run::fail_over(const Failure& failure) {
  if (failure_) {
    std::vector<Problem> problems = failure_->problems();
    for (auto problem : failure.problems()) {
      problem.message = "and after that: " + problem.message;
      problems.push_back(std::move(problem));
    }
    return failed(Failure(std::move(problems)));
  }
  // They have told of it where this is tried again by itself.
  const bool told = job_.failures > 0;
  if (!begun_ || told || fail_waves_.empty() || failure.cause() == ProblemCause::transient)
    return failed(failure);
  failure_ = failure;
  waves_ = std::exchange(fail_waves_, {});
  next_wave_ = 0;
  group_.clear();
  settling_.clear();
  running_.clear();
  progress_("failing", failure.problems().front().message);
  return guarded([this] {
    for (const auto& wave : waves_) owe(wave.steps);
    return apply_from_here();
  });
}

/// Applies the plan as it is; where the sync had failed already when it was cut off, only its end is left.
Outcome Run::carry_out() {
  for (const auto& [key, run] : hook_runs_) {
    if (!run.state.starts_with(kFailed)) continue;
    hook_failed_ = true;
    return fail_over(fail(ProblemCause::destination,
                          "the hook of step '" + key + "' failed: " + run.state.substr(kFailed.size())));
  }
  owe_hooks();
  return apply_from_here();
}

}  // namespace gitopsd::sync
