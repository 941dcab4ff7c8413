#include "daemon/sync/run.h"

#include <algorithm>

#include "base/json.h"
#include "base/log.h"
#include "daemon/sync/input_key.h"
#include "daemon/sync/problems.h"

namespace gitopsd::sync {

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::commit:
      return "sync";
    case Kind::rollback:
      return "rollback";
    case Kind::heal:
      return "heal";
    case Kind::remove:
      return "delete";
  }
  return "sync";
}

std::string steps_text(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " step" : " steps");
}

Run::Run(Scope scope, Job job, std::shared_ptr<NeedIndex> needs)
    : scope_(std::move(scope)), job_(std::move(job)), needs_(std::move(needs)), approval_(job_.approved) {
  timings_.received = job_.received;
  if (auto state = scope_.store.application(scope_.application.uid)) before_ = *state;
  after_ = {scope_.application.uid, before_.revision, before_.input_key, before_.source_key, before_.outside};
}

Outcome Run::guarded(const std::function<Outcome()>& body) {
  try {
    return body();
  } catch (const Failure& failure) {
    return fail_over(failure);
  } catch (const std::exception& e) {
    return failed(fail(ProblemCause::transient, e.what()));
  }
}

void Run::begin() {
  store::Sync row;
  row.event = job_.event;
  row.application = scope_.application.uid;
  row.kind = to_string(job_.kind);
  row.revision = job_.revision;
  row.source_key = job_.source_key;
  row.input_key = job_.input_key;
  row.state = store::SyncState::running;
  row.started = scope_.clock.wall();
  id_ = scope_.store.begin_sync(row);
}

/// A number stands for what somebody looked at: another plan is another sync.
void Run::take_up_left() {
  left_ = false;
  if (!hold_.empty() && plan_json() == job_.left_plan) return;
  store::Transition t;
  t.state = store::SyncState::superseded;
  t.reason = "the plan changed while the daemon was stopped";
  scope_.store.set_sync(id_, t);
  begin();
}

Outcome Run::start() {
  return guarded([&] {
    left_ = static_cast<bool>(job_.left);
    if (left_)
      id_ = job_.left;
    else
      begin();
    settle_open_intents(scope_, id_, job_.kind == Kind::remove);
    prepare();
    add_ailing();
    make_plan();
    place_ = this_destination();
    say_drift();
    decide_hold();
    if (left_) take_up_left();
    if (!hold_.empty() && !is_approved()) {
      std::map<std::string, std::string> documents;
      for (const auto& item : work_.upsert) pack_once(item, documents);
      scope_.store.put_documents(documents);
      auto t = transition(store::SyncState::held);
      t.reason = hold_;
      scope_.store.set_sync(id_, t);
      progress_("held", hold_);
      return Outcome{Outcome::Kind::held, hold_, {}, ProblemCause::internal, false};
    }
    return carry_out();
  });
}

void Run::approve(const std::string& who) {
  scope_.store.approve(id_, who);
  approved_by_ = who;
  auto t = transition(store::SyncState::running);
  t.reason = "approved by " + who;
  scope_.store.set_sync(id_, t);
  std::lock_guard lock(mutex_);
  approval_ = {who, plan_shown(), place_};
}

Approval Run::approval() const {
  std::lock_guard lock(mutex_);
  return begun_ ? Approval{} : approval_;
}

void Run::forget_approval() {
  approved_by_.clear();
  std::lock_guard lock(mutex_);
  approval_ = {};
}

/// Whether somebody approved this very plan, when an attempt before this one showed it.
bool Run::is_approved() {
  const auto given = approval();
  if (given.by.empty()) return false;
  if (given.plan == plan_shown() && given.place == place_) {
    approve(given.by);
    return true;
  }
  forget_approval();
  hold_ += "; what " + given.by + " approved before was another plan, or at another place";
  return false;
}

Outcome Run::approved() {
  return guarded([&] {
    const std::string shown = plan_json();  // these bytes were approved, nothing else
    look_again();
    make_plan();
    decide_hold();
    if (plan_json() != shown) {
      auto t = transition(store::SyncState::held);
      t.reason = hold_.empty() ? "the plan changed since it was shown" : hold_;
      hold_ = t.reason;
      forget_approval();
      scope_.store.set_sync(id_, t);
      return Outcome{Outcome::Kind::held,
                     "the plan changed while it waited; look at it again",
                     {},
                     ProblemCause::conflict,
                     false};
    }
    return carry_out();
  });
}

Outcome Run::check() {
  return guarded([&] {
    Outcome outcome = health_of_wave();
    return outcome.kind == Outcome::Kind::succeeded ? apply_from_here() : outcome;
  });
}

void Run::supersede(std::string why) {
  std::lock_guard lock(mutex_);
  if (superseded_.empty()) superseded_ = std::move(why);
}

void Run::end(store::SyncState state, const std::string& reason) {
  auto t = transition(state);
  t.reason = reason;
  scope_.store.set_sync(id_, t);
  discard_plan();
}

Outcome Run::finish_superseded() {
  std::string why;
  {
    std::lock_guard lock(mutex_);
    why = superseded_;
  }
  if (why.empty()) return succeeded_outcome();
  if (failure_) return failed(*failure_);
  end(store::SyncState::superseded, why);
  return superseded_outcome(why);
}

/// Everything is gone, or the store says what is not: then the application stays, so that somebody sees it.
Outcome Run::removed() {
  auto t = transition(store::SyncState::succeeded);
  scope_.store.set_sync(id_, t);
  if (!scope_.store.forget_application(scope_.application.uid)) {
    const auto left = scope_.store.inventory(scope_.application.uid);
    return failed(fail(
        ProblemCause::destination,
        (left.empty() ? std::string("a resource") : left.front().id.str()) + " could not be confirmed gone",
        "gitopsctl delete " + scope_.application.name.str() + " --cascade looks at it again"));
  }
  progress_("ended", "succeeded");
  return succeeded_outcome();
}

Outcome Run::succeed() {
  timings_.healthy = scope_.clock.wall();
  if (job_.kind == Kind::remove) return removed();
  auto t = transition(store::SyncState::succeeded);
  t.reason = !going_.empty() ? going_text() : steps_.empty() ? "nothing to change" : std::string();
  if (job_.kind == Kind::heal) {
    scope_.store.set_sync(id_, t);
  } else {
    // A row that did not change has its document stored already; somebody who asks by hand gets it stored
    // anew.
    std::set<std::string> fresh;
    for (const auto& row : work_.declared.put) fresh.insert(row.digest);
    std::map<std::string, std::string> documents;
    for (const auto& item : work_.reread_items) {
      if (job_.force || fresh.contains(item.document.digest)) pack_once(item, documents);
    }
    if (job_.kind == Kind::commit) {
      needs_->update(work_.reread, work_.reread_items);
      const auto snapshot = scope_.snapshot(job_.revision);
      auto outside = needs_->outside(scope_.application.path);
      add_reads(outside, scope_.application.path, work_.reads, *snapshot);
      after_.outside = encode_outside(outside);
      after_.source_key = source_key(scope_.application.path, *snapshot, decode_outside(after_.outside));
      after_.input_key =
          input_key(after_.source_key, settings_key(scope_.application, scope_.destination), context_);
    }
    if (job_.kind == Kind::rollback)
      *needs_ = NeedIndex{};  // it is the newer commit's; read again when asked
    after_.revision = job_.revision;
    scope_.store.succeed(id_, after_, work_.declared, documents, t, scope_.config->store.keep_syncs);
    close_hooks(true);
  }
  progress_("ended", "succeeded");
  return {Outcome::Kind::succeeded, t.reason, {}, ProblemCause::internal, false};
}

void Run::pack_once(const Item& item, std::map<std::string, std::string>& documents) {
  if (!packed_.insert(item.document.digest).second) return;
  documents.emplace(item.document.digest, pack_document(item, scope_.store.digest_key()));
}

Repetition Run::repetition() const {
  Repetition r{work_.remove, {}, unlike_};
  for (const auto& item : work_.upsert) r.handled.push_back(item.resource.id);
  for (const auto& step : steps_) {
    const auto entry = work_.entries.find(step.id);
    if (step.action == protocol::Action::none || step.action == protocol::Action::remove) continue;
    if (step.action == protocol::Action::run) continue;  // it is there to be done each time
    if (step.action == protocol::Action::release) continue;
    if (entry == work_.entries.end() || entry->second.owned_digest != step.digest) continue;
    if (entry->second.intended_sync) continue;  // the sync before did not get that far
    r.again[step.id] += std::string(to_string(step.action)) + " " + step.digest + "\n" + step.diff;
  }
  return r;
}

std::vector<std::string> Run::left_out() const {
  if (work_.left_out.empty()) return {};
  return left_out_lines(told_in_full(work_.left_out), work_.put_off, true);
}

/// All but what is left out is done. What may pass by itself without the commit being another is tried again.
Outcome Run::end_in_part() {
  in_part_ = true;
  const auto passing = std::find_if(work_.left_out.begin(), work_.left_out.end(), [](const Problem& problem) {
    return problem.cause != ProblemCause::input && problem.cause != ProblemCause::permission;
  });
  return fail_over(fail(passing == work_.left_out.end() ? ProblemCause::input : passing->cause,
                        steps_.empty()
                            ? "some of the commit is left out, and nothing else of it was to be done"
                            : "some of the commit is left out, and the rest of it is applied",
                        "nothing is deleted or replaced before all of it is valid"));
}

/// A few of what it is without.
std::string Run::left_out_text() const {
  return first_lines(left_out_lines(told_once(work_.left_out), work_.put_off, false));
}

/// With where the rest can be read, if there is more.
std::string Run::short_text(const Failure& failure) const {
  std::string text = describe(failure.problems());
  if (!work_.left_out.empty()) text += "\nleft out:\n" + left_out_text();
  if (all_problems(failure).empty()) return text;
  return text + "\nall of it: gitopsctl show " + std::to_string(job_.event.value);
}

/// Where the short text does not have them all. What is tried again by itself has told them at first.
std::vector<std::string> Run::all_problems(const Failure& failure) const {
  if (!job_.event || job_.failures > 0 || failure.cause() == ProblemCause::transient) return {};
  auto all = told_in_full(failure.problems());
  const auto left_out = this->left_out();
  if (is_whole(describe(failure.problems()), all) && is_whole(left_out_text(), left_out)) return {};
  all.insert(all.end(), left_out.begin(), left_out.end());
  return all;
}

Outcome Run::failed(const Failure& failure) {
  Outcome outcome;
  outcome.cause = failure.cause();
  outcome.kind = outcome.cause == ProblemCause::transient ? Outcome::Kind::retry : Outcome::Kind::failed;
  outcome.error = short_text(failure);
  outcome.within = within_;
  // A hook that failed has done what it did: somebody has to look before it runs again.
  outcome.unhealthy = unhealthy_ && !hook_failed_ && work_.left_out.empty();
  // What is written wrong, or is not allowed by the application's policy, stays so until somebody writes.
  outcome.may_pass =
      !hook_failed_ && std::none_of(failure.problems().begin(), failure.problems().end(), [](const auto& p) {
        return p.cause == ProblemCause::input || p.cause == ProblemCause::permission;
      });
  if (in_part_)
    outcome.in_part = {work_.left_out_count,
                       job_.input_key.empty() ? std::string() : tried_key(job_.input_key, offered_),
                       outcome.may_pass, GITOPSD_VERSION};
  const bool goes_on = left_ && outcome.kind == Outcome::Kind::retry;  // with what was planned
  if (id_ && !goes_on) {
    auto t = transition(store::SyncState::failed);
    t.plan = encode_plan({steps_, all_problems(failure), outcome.in_part});
    t.error = outcome.error;
    try {
      scope_.store.set_sync(id_, t);
      if (outcome.kind == Outcome::Kind::failed) close_hooks(false);
    } catch (const Failure& store_failure) {
      log::error("cannot record the end of a sync", {{"sync", id_.value}, {"error", store_failure.what()}});
    }
  }
  progress_("ended", "failed: " + outcome.error);
  if (!goes_on) discard_plan();
  return outcome;
}

store::Transition Run::transition(store::SyncState state) const {
  store::Transition t;
  t.state = state;
  t.plan = plan_json();
  t.timings = timings_;
  t.created = created_;
  t.updated = updated_;
  t.deleted = deleted_;
  t.unchanged = static_cast<int>(work_.unchanged + as_planned_);
  return t;
}

/// A heal that adopts finds all as it was applied, and only the record of who declared it lost.
bool Run::changes(const protocol::Step& step) const {
  if (step.action == protocol::Action::adopt) return job_.kind != Kind::heal;
  return step.action != protocol::Action::none;
}

void Run::say_drift() const {
  if (job_.kind != Kind::heal) return;
  for (const auto& step : steps_)
    log::info(changes(step) ? "drift" : "owned again", {{"application", scope_.application.name.str()},
                                                        {"resource", step.id.str()},
                                                        {"reason", step.reason},
                                                        {"sync", id_.value}});
}

std::string Run::plan_json() const {
  return encode_plan({steps_, {}, {}});
}

/// As its provider tells which one it is; where that does not, by all that leads there.
std::string Run::this_destination() const {
  const auto& there = scope_.destination;
  const auto identity = scope_.provider->identity();
  std::string way = there.name.str() + "\n" + identity.value_or("");
  if (!identity || identity->empty())
    way +=
        "\n" + there.provider + "\n" + there.command + "\n" + there.socket + "\n" + to_json(there.settings);
  return way;
}

std::string Run::plan_shown() const {
  auto steps = steps_;
  for (auto& step : steps)
    if (step.fresh) step.precondition.clear();
  return encode_plan({std::move(steps), {}, {}});
}

}  // namespace gitopsd::sync
