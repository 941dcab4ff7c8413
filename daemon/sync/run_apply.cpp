#include <algorithm>
#include <utility>

#include "base/json.h"
#include "daemon/sync/problems.h"
#include "daemon/sync/run.h"

namespace gitopsd::sync {
namespace {

using namespace std::chrono_literals;
constexpr auto kApplyTimeout = 300s;
constexpr int kReplans = 3;

bool is_provisional(const std::vector<protocol::Step>& wave) {
  return std::any_of(wave.begin(), wave.end(), [](const auto& step) { return step.provisional; });
}

/// No document's: a hook whose end nobody has seen counts as changed.
constexpr const char* kBegun = "begun";

}  // namespace

Outcome Run::apply_from_here() {
  release();
  intend_going();
  while (next_wave_ < waves_.size()) {
    // A hook that was begun is waited for first.
    Outcome outcome = health_before_wave();
    if (outcome.kind != Outcome::Kind::succeeded) return outcome;
    if (outcome = finish_superseded(); outcome.kind != Outcome::Kind::succeeded) return outcome;
    if (is_provisional(waves_[next_wave_].steps)) {
      if (const auto held = plan_anew()) return *held;
      continue;
    }
    if (!check_what_came_within_reach()) {
      if (const auto held = plan_anew()) return *held;
      continue;
    }
    const auto wave = waves_[next_wave_];
    if (outcome = gone_before(wave.steps); outcome.kind != Outcome::Kind::succeeded) return outcome;
    if (!wave.steps.empty() && !apply_wave(wave.steps, outcome)) {
      if (outcome.reason != "stale" || ++replans_ > kReplans) return outcome;
      if (failure_) return failed(*failure_);
      // Something moved between plan and write: look again at what is left.
      advanced_ = true;
      if (const auto held = plan_anew()) return *held;
      continue;
    }
    ++next_wave_;
    advanced_ = true;
    group_ = wave.group;
    settling_.insert(settling_.end(), wave.ailing.begin(), wave.ailing.end());
    timings_.applied = scope_.clock.wall();
    health_deadline_ = scope_.clock.monotonic() + scope_.application.health_timeout;
  }
  if (job_.kind == Kind::heal) {
    look_at_settling();  // its health is the application's matter: other drift must not wait for it
  } else if (auto outcome = health_of_wave(); outcome.kind != Outcome::Kind::succeeded) {
    return outcome;
  }
  if (failure_) return failed(*failure_);
  if (!failures_.empty()) return fail_with({});
  if (!work_.left_out.empty()) return end_in_part();
  if (!awaited_.empty()) return wait_for_word();
  look_at_going();
  if (job_.kind == Kind::remove && !going_.empty()) return wait_for_going();
  if (timings_.applied == 0) timings_.applied = scope_.clock.wall();
  return succeed();
}

/// Nothing where it goes on with the new plan; else that it is held.
std::optional<Outcome> Run::plan_anew() {
  if (!std::exchange(advanced_, false))
    throw fail(ProblemCause::internal, "the provider does not say what " +
                                           waves_[next_wave_].steps.front().id.str() +
                                           " changes, though all before it is done");
  look_again();
  make_plan();
  owe_hooks();
  decide_hold();
  if (hold_.empty()) return std::nullopt;
  forget_approval();  // what was approved were other bytes than this new plan
  auto t = transition(store::SyncState::held);
  t.reason = hold_;
  scope_.store.set_sync(id_, t);
  return Outcome{Outcome::Kind::held, hold_, {}, ProblemCause::internal, false};
}

/// What is owned may have moved since the plan was made: by this sync's first waves, or by a heal beside it.
void Run::look_again() {
  packed_.clear();  // it may have waited long enough for them to be swept
  work_.entries.clear();
  for (auto& e : scope_.store.inventory(scope_.application.uid)) work_.entries.emplace(e.id, e);
  put_back_releases();
  std::erase_if(work_.remove, [&](const ResourceId& id) { return !work_.entries.contains(id); });
  choose_releases();
}

bool Run::apply_wave(const std::vector<protocol::Step>& wave, Outcome& outcome) {
  std::vector<store::InventoryEntry> intents;
  std::map<std::string, std::string> documents;
  for (const auto& step : wave) {
    store::InventoryEntry intent;
    if (auto it = work_.entries.find(step.id); it != work_.entries.end()) intent = it->second;
    intent.id = step.id;
    intent.intended_sync = id_;
    intent.intended_digest = step.action == protocol::Action::remove ? std::string() : step.digest;
    if (auto it = items_.find(step.id); it != items_.end()) {
      intent.resource = encode_applied(*it->second, commit_of(step));
      pack_once(*it->second, documents);
    }
    intents.push_back(std::move(intent));
  }
  if (!documents.empty()) scope_.store.put_documents(documents);
  scope_.store.intend(scope_.application.uid, id_, intents);
  progress_("applying", steps_text(wave.size()));

  running_.clear();
  begun_ = true;
  std::size_t next = 0;
  while (next < wave.size()) {
    protocol::ApplyRequest request;
    request.owner = {scope_.installation, scope_.application.uid.str()};
    request.policy = scope_.application.policy;
    request.parallel = 8;
    std::size_t bytes = 0;
    SyncId under = id_;
    for (; next < wave.size() && request.steps.size() < kBatchCount; ++next) {
      const SyncId number = number_of(wave[next]);
      const auto it = items_.find(wave[next].id);
      const std::size_t more =
          wave[next].diff.size() + 512 + (it == items_.end() ? 0 : wire_bytes(it->second->document));
      if (!request.steps.empty() && (number != under || bytes + more > kBatchBytes)) break;
      under = number;
      bytes += more;
      request.steps.push_back(wave[next]);
      if (it != items_.end()) {
        request.resources.push_back(it->second->resource);
        request.documents.push_back(it->second->document);
      }
      if (wave[next].action == protocol::Action::run && wave[next].hook == protocol::Hook::none) {
        scope_.store.begin_effect(scope_.application.uid,
                                  {id_, wave[next].key,
                                   wave[next].rerun == protocol::Rerun::safe   ? "safe"
                                   : wave[next].rerun == protocol::Rerun::hold ? "hold"
                                                                               : "check",
                                   false});
      }
    }
    request.sync = std::to_string(under.value);
    const auto result = scope_.provider->apply(
        request, work_.blobs.get(),
        [this](const protocol::Progress& p) {
          if (p.state == protocol::StepState::waiting)
            return progress_("advancing", p.key + ": " + p.message);
          progress_("step", p.key + " " + std::string(to_string(p.state)) +
                                (p.message.empty() ? "" : ": " + p.message));
        },
        Monotonic::now() + kApplyTimeout);

    std::map<std::string, const protocol::StepResult*> by_key;
    for (const auto& s : result.steps) by_key.emplace(s.key, &s);
    std::vector<store::Store::Settled> settled;
    std::vector<Refused> bad;
    std::set<ResourceId> not_done;
    bool stale = result.outcome == protocol::ApplyOutcome::stale;
    bool goes = false;
    for (const auto& step : request.steps) {
      const auto it = by_key.find(step.key);
      if (it == by_key.end() || it->second->state != protocol::StepState::done) not_done.insert(step.id);
      if (it == by_key.end()) continue;  // not told: unknown; its intent stays open and observe decides
      const auto& told = *it->second;
      const std::string before = [&] {
        const auto e = work_.entries.find(step.id);
        return e == work_.entries.end() ? std::string() : e->second.owned_digest;
      }();
      if (told.state == protocol::StepState::done) {
        const bool removal = step.action == protocol::Action::remove;
        const bool hook = step.hook != protocol::Hook::none;
        settled.push_back({step.id, removal,
                           removal ? std::string()
                           : hook  ? kBegun
                                   : step.digest,
                           told.receipt, audit_entry(step, before)});
        if (removal) {
          ++deleted_;
          let_go_ = true;
        } else {
          settling_.push_back(step.id);
          if (step.action == protocol::Action::create)
            ++created_;
          else if (changes(step))
            ++updated_;
        }
        if (hook)
          running_.insert_or_assign(step.id, step);
        else if (step.action == protocol::Action::run)
          scope_.store.end_effect(scope_.application.uid, id_, step.key);
      } else if (told.state == protocol::StepState::failed && step.action == protocol::Action::remove &&
                 told.problem && told.problem->code == "going") {
        goes = true;
        keep_going(step, told.problem->message);
      } else if (told.state == protocol::StepState::failed || told.state == protocol::StepState::skipped) {
        // A step that failed has undone itself: what was owned before is owned still.
        settled.push_back({step.id, false, {}, {}, {}});
        if (!told.problem) continue;
        within_ = std::max(within_, told.problem->retry_after_seconds);
        Problem p{
            told.problem->cause, step.id.str() + ": " + told.problem->message, told.problem->hint, {}, {}};
        if (auto item = items_.find(step.id); item != items_.end()) {
          p.file = place(job_.revision, item->second->path);
          p.position = item->second->position(told.problem->pointer);
        }
        bad.push_back({step.id, std::move(p)});
      }
    }
    if (!settled.empty()) scope_.store.settle(scope_.application.uid, id_, settled);
    if (goes) intend_going();
    const bool done = result.outcome == protocol::ApplyOutcome::done ||
                      (goes && result.outcome == protocol::ApplyOutcome::failed);
    if (done && bad.empty()) continue;
    if (stale) {
      outcome = {Outcome::Kind::retry, "stale", "the live state kept changing while it was being applied",
                 ProblemCause::transient, false};
      if (replans_ >= kReplans) end(store::SyncState::failed, outcome.error);
      return false;
    }
    if (go_past(bad, next_wave_ + 1, std::move(not_done))) continue;
    if (bad.empty()) {
      bad.push_back({{},
                     {ProblemCause::transient,
                      "the provider did not finish " + steps_text(request.steps.size()),
                      {},
                      {},
                      {}}});
    }
    outcome = fail_with(bad);
    return false;
  }
  return true;
}

/// Whose bytes the step applies; of a deletion what is synced.
CommitId Run::commit_of(const protocol::Step& step) const {
  const auto item = items_.find(step.id);
  return item == items_.end() || item->second->commit.empty() ? job_.revision : item->second->commit;
}

std::string Run::audit_entry(const protocol::Step& step, const std::string& before) const {
  Value entry = Value::object(
      {{"action", to_string(step.action)},
       {"application", scope_.application.name.str()},
       {"cause", job_.kind == Kind::heal ? std::string_view("drift") : store::to_string(job_.cause)},
       {"kind", to_string(job_.kind)},
       {"resource", step.id.str()},
       {"sync", id_.value}});
  if (job_.event) entry.set("event", job_.event.value);
  // The event itself is deleted one day.
  if (!job_.hook.empty()) entry.set("hook", job_.hook.str());
  if (!job_.delivery.empty()) entry.set("delivery", job_.delivery.str());
  if (const auto commit = commit_of(step); !commit.empty()) entry.set("commit", commit.str());
  if (!job_.actor.empty()) entry.set("who", job_.actor);
  if (!approved_by_.empty()) entry.set("approved_by", approved_by_);
  if (!before.empty()) entry.set("before", before);
  if (!step.digest.empty()) entry.set("after", step.digest);
  if (!step.reason.empty()) entry.set("reason", step.reason.substr(0, 300));
  return to_json(entry);
}

}  // namespace gitopsd::sync
