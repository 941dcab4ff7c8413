#include <algorithm>
#include <atomic>
#include <thread>

#include "base/hash.h"
#include "providers/aws/content_verbs.h"
#include "providers/aws/verbs.h"
#include "providers/protocol/schedule.h"

namespace gitopsd::aws {
namespace {

using namespace std::chrono_literals;
using protocol::Action;
using protocol::ApplyOutcome;
using protocol::Step;
using protocol::StepResult;
using protocol::StepState;

/// A deletion that takes longer is told to be going.
constexpr auto kPromptly = 2s;
constexpr auto kBetweenLooks = 200ms;

class StackApplier {
 public:
  StackApplier(State& state, const protocol::ApplyRequest& request, protocol::CallContext& context,
               const protocol::ProgressSink& progress)
      : state_(state), request_(request), context_(context), progress_(progress) {}

  protocol::ApplyResult run() {
    std::vector<protocol::WireProblem> problems;
    policy_ = Policy::parse(request_.policy, problems);
    if (!problems.empty()) throw fail(ProblemCause::input, problems[0].message, problems[0].hint);
    state_.check_account(context_.cancelled);
    results_.resize(request_.steps.size());
    after_ = protocol::dependencies_of(request_.steps);
    protocol::run_in_order(after_, kCallsAtOnce, [this](std::size_t i) { results_[i] = decide(i); });
    const auto outcome = protocol::outcome_of(results_, cancelled_);
    return {outcome, std::move(results_)};
  }

 private:
  StepResult decide(std::size_t i) {
    const Step& step = request_.steps[i];
    StepResult told{step.key, StepState::skipped, {}, {}};
    for (const std::size_t before : after_[i])
      if (results_[before].state != StepState::done) return told;
    if (context_.cancelled() || Monotonic::now() > context_.deadline) {
      cancelled_ = true;
      return told;
    }
    progress_({request_.sync, step.key, StepState::begun, {}, {}, {}});
    protocol::WireProblem problem;
    try {
      told.receipt = carry_out(step);
      told.state = StepState::done;
    } catch (const StalePlan& stale) {
      problem.code = "stale";
      problem.cause = ProblemCause::conflict;
      problem.message = stale.why;
    } catch (const Going& going) {
      problem.code = "going";
      problem.cause = ProblemCause::transient;
      problem.message = going.why;
    } catch (const Failure& failure) {
      const Problem& first = failure.problems().front();
      problem.code = "apply";
      problem.cause = first.cause;
      problem.message = first.message;
      problem.hint = first.hint;
    }
    if (told.state != StepState::done) {
      told.state = StepState::failed;
      problem.step = step.key;
      problem.id = step.id.str();
      told.problem = problem;
    }
    progress_({request_.sync, step.key, told.state, told.receipt, problem.message, told.problem});
    return told;
  }

  struct Going {
    std::string why;
  };

  /// The receipt.
  std::string carry_out(const Step& step) {
    if (is_content(step.id)) return apply_content(state_, request_, context_, policy_, step);
    const std::string name = name_of(step.id);
    if (!policy_.allows_stack(name))
      throw fail(ProblemCause::permission, "the policy does not allow the stack '" + name + "'");
    const auto expected = Precondition::parse(step.precondition);
    if (step.action == Action::remove) {
      if (!expected.stack.empty()) remove(step, expected);
      return {};
    }
    if (step.action == Action::replace) {
      clear(step, expected);
      throw StalePlan{"what its failed creation left of '" + name +
                      "' is deleted"};  // what is to be made is planned now
    }
    if (!expected.change_set.empty()) execute(step, expected);
    return Receipt{expected.stack, expected.template_, {}, {}}.text();
  }

  void execute(const Step& step, const Precondition& expected) {
    const std::string token = token_of(request_.sync, step.key);
    try {
      state_.cloudformation.execute_change_set(expected.change_set, token, context_.cancelled);
    } catch (const ApiError& error) {
      const bool gone =
          error.code() == "ChangeSetNotFound" || error.code() == "InvalidChangeSetStatus" ||
          error.code() == "TokenAlreadyExistsException" ||
          (error.code() == "ValidationError" && error.said().find("does not exist") != std::string::npos);
      if (!gone) throw;
      // Executed already, under this very step: by whoever was cut off before it could say so.
      if (!state_.cloudformation.events(expected.stack, token, context_.cancelled).empty()) return;
      throw StalePlan{"the change set of '" + name_of(step.id) +
                      "' is not to be had any more: " + error.said()};
    }
  }

  void clear(const Step& step, const Precondition& expected) {
    const auto live = state_.cloudformation.stack(expected.stack, context_.cancelled);
    if (live && phase_of(live->status) != StackPhase::stillborn)
      throw StalePlan{"the stack '" + live->name + "' is in " + live->status};
    try {
      remove(step, expected);
    } catch (const Going& going) {
      throw fail(ProblemCause::transient, going.why);  // planned again when it has gone
    }
  }

  void remove(const Step& step, const Precondition& expected) {
    const auto live = state_.cloudformation.stack(expected.stack, context_.cancelled);
    if (!live) return;
    const auto owner = owner_of(live->tags);
    if (!owner || !stands_for(*owner, request_.owner, step.from))
      throw StalePlan{"the stack '" + live->name + "' is not ours any more"};
    state_.cloudformation.delete_stack(expected.stack, token_of(request_.sync, step.key), context_.cancelled);
    const auto patience = Monotonic::now() + kPromptly;
    for (;;) {
      const auto now = state_.cloudformation.stack(expected.stack, context_.cancelled);
      if (!now) return;
      if (now->status == "DELETE_FAILED")
        throw fail(ProblemCause::destination, "the stack '" + now->name + "' cannot be deleted: " +
                                                  first_failure(state_, expected.stack, context_.cancelled));
      if (Monotonic::now() > patience) throw Going{"the stack '" + now->name + "' is in " + now->status};
      std::this_thread::sleep_for(kBetweenLooks);
    }
  }

  State& state_;
  const protocol::ApplyRequest& request_;
  protocol::CallContext& context_;
  const protocol::ProgressSink& progress_;
  Policy policy_;
  std::vector<std::vector<std::size_t>> after_;
  std::vector<StepResult> results_;
  std::atomic<bool> cancelled_{false};
};

}  // namespace

std::string token_of(const std::string& sync, const std::string& key) {
  return "gitopsd-" + to_hex(sha256(sync + " " + key)).substr(0, 48);
}

std::string first_failure(State& state, const std::string& stack, const Cancelled& cancelled) {
  const auto events = state.cloudformation.events(stack, {}, cancelled);
  // Newest first. What was cancelled for another's sake is no cause.
  const auto cause = std::find_if(events.rbegin(), events.rend(), [](const StackEvent& event) {
    return event.status.ends_with("_FAILED") && event.reason.find("cancelled") == std::string::npos;
  });
  if (cause == events.rend()) return {};
  return cause->resource + " (" + cause->type + "): " + cause->reason;
}

protocol::ApplyResult apply(State& state, const protocol::ApplyRequest& request,
                            protocol::CallContext& context, const protocol::ProgressSink& progress) {
  return StackApplier(state, request, context, progress).run();
}

}  // namespace gitopsd::aws
