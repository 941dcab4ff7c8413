#include <algorithm>
#include <atomic>

#include "base/log.h"
#include "providers/host/goal.h"
#include "providers/host/path.h"
#include "providers/host/policy.h"
#include "providers/host/verbs.h"
#include "providers/host/write.h"
#include "providers/protocol/schedule.h"

namespace gitopsd::host {
namespace {

using protocol::Action;
using protocol::ApplyOutcome;
using protocol::Step;
using protocol::StepResult;
using protocol::StepState;

constexpr int kMaxParallel = 8;

class Applier {
 public:
  Applier(State& state, const protocol::ApplyRequest& request, protocol::CallContext& context,
          const protocol::ProgressSink& progress, const std::function<void(const std::string&)>& before_check)
      : state_(state),
        request_(request),
        context_(context),
        progress_(progress),
        before_check_(before_check),
        documents_(request.documents) {}

  protocol::ApplyResult run();

 private:
  StepResult decide(std::size_t i);
  StepResult run_step(const Step& step);
  /// Makes the change and returns the receipt. Throws Stale or Failure.
  std::string change(const Step& step);
  std::string upsert(const Step& step, const std::string& path);
  std::string remove(const Step& step, const std::string& path);
  std::string write(const Step& step, const Wanted& wanted, const Goal& goal, const Place& place,
                    Receipt receipt, const OwnedList::Record& record);
  Wanted wanted_of(const Step& step) const;
  void check_owner(const Step& step) const;
  bool holds(const Step& step, const Place& place) const;
  void remove_thing(const Step& step, const Place& place, Type type);

  State& state_;
  const protocol::ApplyRequest& request_;
  protocol::CallContext& context_;
  const protocol::ProgressSink& progress_;
  const std::function<void(const std::string&)>& before_check_;
  Documents documents_;
  Policy policy_;
  std::vector<std::vector<std::size_t>> after_;
  std::vector<StepResult> results_;
  std::atomic<bool> cancelled_{false};
};

protocol::WireProblem problem_of(const Step& step, ProblemCause cause, std::string code, std::string message,
                                 std::string hint) {
  protocol::WireProblem problem;
  problem.code = std::move(code);
  problem.cause = cause;
  problem.message = std::move(message);
  problem.hint = std::move(hint);
  problem.id = step.id.str();
  problem.step = step.key;
  problem.document = step.digest;
  return problem;
}

protocol::ApplyResult Applier::run() {
  std::vector<protocol::WireProblem> problems;
  policy_ = Policy::parse(request_.policy, problems);
  if (!problems.empty()) throw fail(ProblemCause::input, problems[0].message, problems[0].hint);
  results_.resize(request_.steps.size());
  const std::size_t parallel = static_cast<std::size_t>(std::clamp(request_.parallel, 1, kMaxParallel));
  after_ = protocol::dependencies_of(request_.steps);
  protocol::run_in_order(after_, parallel, [this](std::size_t i) { results_[i] = decide(i); });
  const auto outcome = protocol::outcome_of(results_, cancelled_);
  return {outcome, std::move(results_)};
}

StepResult Applier::decide(std::size_t i) {
  const Step& step = request_.steps[i];
  StepResult skipped{step.key, StepState::skipped, {}, {}};
  for (std::size_t before : after_[i])
    if (results_[before].state != StepState::done) return skipped;
  if (context_.cancelled()) {
    cancelled_ = true;
    return skipped;
  }
  if (Monotonic::now() > context_.deadline) {
    skipped.problem =
        problem_of(step, ProblemCause::transient, "deadline", "the deadline passed before it began", {});
    return skipped;
  }
  return run_step(step);
}

StepResult Applier::run_step(const Step& step) {
  progress_({request_.sync, step.key, StepState::begun, {}, {}, {}});
  StepResult told{step.key, StepState::failed, {}, {}};
  try {
    InFlight::Hold hold(state_.in_flight, step.id);
    state_.verified.forget(step.id);
    told.receipt = change(step);
    // Before the end is told: what the daemon hears is on disk.
    state_.owned.sync();
    told.state = StepState::done;
  } catch (const Stale& e) {
    told.problem = problem_of(step, ProblemCause::conflict, "stale", e.what(), "it is planned again");
  } catch (const Failure& e) {
    const Problem& problem = e.problems().front();
    told.problem = problem_of(step, e.cause(), "apply", problem.message, problem.hint);
  } catch (const std::exception& e) {
    told.problem = problem_of(step, ProblemCause::internal, "apply", e.what(), {});
  }
  progress_({request_.sync, step.key, told.state, told.receipt, {}, told.problem});
  // The daemon's log has it for everybody.
  log::debug("step", {{"sync", request_.sync},
                      {"application", request_.owner.application},
                      {"step", step.key},
                      {"state", to_string(told.state)},
                      {"reason", told.problem ? told.problem->message : step.reason}});
  return told;
}

std::string Applier::change(const Step& step) {
  const std::string path = path_of(step.id);
  if (path.empty()) throw fail(ProblemCause::input, "'" + step.id.str() + "' is no id of this provider");
  if (!policy_.allowed_by(path)) {
    auto breach = path_breach(policy_, path);
    throw fail(breach.cause, breach.message, breach.hint);
  }
  check_owner(step);
  return step.action == Action::remove ? remove(step, path) : upsert(step, path);
}

void Applier::check_owner(const Step& step) const {
  auto record = state_.owned.find(step.id);
  if (record && !stands_for(record->owner, request_.owner, step.from))
    throw fail(ProblemCause::conflict,
               "'" + path_of(step.id) + "' belongs to application '" + record->owner.application + "'",
               "let one application declare it");
}

Wanted Applier::wanted_of(const Step& step) const {
  std::vector<protocol::WireProblem> problems;
  auto wanted = read_document(documents_.at(step.digest, step.id.str()), Value(), problems);
  if (wanted && id_of(wanted->path) != step.id)
    throw fail(ProblemCause::input, "'" + step.id.str() + "' is not what its document declares");
  if (wanted) problems = breaches(policy_, *wanted);
  if (!problems.empty()) throw fail(problems[0].cause, problems[0].message, problems[0].hint);
  for (const auto& resource : request_.resources)
    if (resource.id == step.id) wanted->options = resource.options;
  return std::move(*wanted);
}

bool Applier::holds(const Step& step, const Place& place) const {
  const Seen seen = look(place, &state_.key);
  if (to_text(seen.facts) == step.precondition) return true;
  if (seen.facts.type != Type::directory) return false;
  return to_text(facts_with_contents(seen, state_.key, names_in(place))) == step.precondition;
}

std::string Applier::upsert(const Step& step, const std::string& path) {
  const Wanted wanted = wanted_of(step);
  std::vector<protocol::WireProblem> problems;
  const Goal goal = goal_of(wanted, problems);
  if (!problems.empty()) throw fail(problems[0].cause, problems[0].message, problems[0].hint);
  auto place = open_place(*policy_.allowed_by(path), path);
  if (!place)
    throw fail(ProblemCause::input, "its folder '" + parent_of(path) + "' does not exist",
               "declare a Directory with path: " + parent_of(path));
  const Seen seen = look(*place, &state_.key);

  Receipt receipt{state_.key_id, goal.facts, wanted.options.apply == protocol::ApplyMode::create_only,
                  wanted.sensitive};
  OwnedList::Record record{request_.owner, step.digest, {}, false};
  if (auto before = state_.owned.find(step.id))
    record.adopted = before->adopted;
  else
    record.adopted = seen.facts.type == wanted.type;
  const bool keep = receipt.create_only && seen.facts.type != Type::absent;
  if (keep || differences(seen, goal, wanted).empty()) {  // also a step that was done before (sync, key)
    receipt.facts = seen.facts;
    record.receipt = to_text(receipt);
    state_.owned.own(step.id, record);
    return record.receipt;
  }
  if (!holds(step, *place)) throw Stale("'" + path + "' changed since the plan: " + to_text(seen.facts));
  return write(step, wanted, goal, *place, std::move(receipt), record);
}

std::string Applier::write(const Step& step, const Wanted& wanted, const Goal& goal, const Place& place,
                           Receipt receipt, const OwnedList::Record& made) {
  OwnedList::Record record = made;
  const Facts live = look(place, nullptr).facts;
  auto begin = [&] { state_.owned.begin(step.id, {record, *policy_.allowed_by(wanted.path), false}); };
  auto ready = [&](std::string content) {
    receipt.facts.content = std::move(content);
    record.receipt = to_text(receipt);
    begin();
  };
  begin();
  bool arrived = false;
  Arrival arrival{live.type, [&] {
                    if (before_check_) before_check_(wanted.path);
                    if (!holds(step, place))
                      throw Stale("'" + wanted.path + "' changed while it was being written");
                    arrived = true;
                  }};
  try {
    if (wanted.type == Type::directory && live.type == Type::directory) {
      ready({});
      arrival.check();
      change_directory(place, goal.facts);
    } else if (wanted.type == Type::directory) {
      ready({});
      put_directory(place, goal.facts, arrival);
    } else if (wanted.type == Type::symlink) {
      ready(content_mac(state_.key, wanted.target));
      put_symlink(place, wanted.target, arrival);
    } else {
      const std::function<void(const ContentSink&)> produce = [&](const ContentSink& sink) {
        if (wanted.blob)
          context_.blobs.copy(*wanted.blob, sink);
        else
          sink(wanted.content);
      };
      put_file(place, goal.facts, state_.key, produce, arrival, ready);
    }
  } catch (...) {
    // Once the rename was tried nobody knows; the begun record lets the next start decide.
    if (!arrived) state_.owned.undo(step.id);
    throw;
  }
  state_.owned.own(step.id, record);
  return record.receipt;
}

std::string Applier::remove(const Step& step, const std::string& path) {
  const auto record = state_.owned.find(step.id);
  if (step.precondition == kKeep) {
    if (record) state_.owned.forget(step.id);
    return {};
  }
  auto place = open_place(*policy_.allowed_by(path), path);
  const Seen seen = place ? look(*place, nullptr) : Seen{};
  if (seen.facts.type == Type::absent) {
    if (record) state_.owned.forget(step.id);
    return {};
  }
  if (!record)
    throw fail(ProblemCause::conflict, "'" + path + "' is not in this host's list of what it made",
               "delete it by hand");
  const auto receipt = receipt_of(record->receipt);
  if (!receipt || receipt->facts.type == seen.facts.type) {
    if (before_check_) before_check_(path);
    if (!holds(step, *place)) throw Stale("'" + path + "' changed since the plan");
    state_.owned.begin(step.id, {*record, *policy_.allowed_by(path), true});
    remove_thing(step, *place, seen.facts.type);
  }
  state_.owned.forget(step.id);
  return {};
}

void Applier::remove_thing(const Step& step, const Place& place, Type type) {
  try {
    if (type == Type::directory)
      remove_directory(place, step.destroys == protocol::Destroys::data);
    else
      remove_name(place);
  } catch (const Stale&) {
    state_.owned.undo(step.id);
    throw;
  }
}

}  // namespace

protocol::ApplyResult apply(State& state, const protocol::ApplyRequest& request,
                            protocol::CallContext& context, const protocol::ProgressSink& progress,
                            const std::function<void(const std::string& path)>& before_check) {
  return Applier(state, request, context, progress, before_check).run();
}

}  // namespace gitopsd::host
