#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

#include "base/hash.h"
#include "providers/aws/changes.h"
#include "providers/aws/content_verbs.h"
#include "providers/aws/nested_stacks.h"
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
constexpr auto kBetweenLooks = 200ms, kLongestBetweenLooks = 5000ms;
/// How long looks may show a stack as it was before what was asked for.
constexpr auto kShownAfter = 60s;
/// Before the deadline of a call that waits for a rollback.
constexpr auto kSpare = 30s;

class StackApplier {
 public:
  StackApplier(State& state, const protocol::ApplyRequest& request, protocol::CallContext& context,
               const protocol::ProgressSink& progress)
      : state_(state), request_(request), context_(context), progress_(progress) {}

  protocol::ApplyResult run() {
    std::vector<protocol::WireProblem> problems;
    policy_ = Policy::parse(request_.policy, problems);
    if (!problems.empty()) throw fail(ProblemCause::input, problems[0].message, problems[0].hint);
    read_documents(problems);
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

  /// What could be read when it was planned; a problem in it is a step without its stack.
  void read_documents(std::vector<protocol::WireProblem>& problems) {
    const Value none;
    const Reading reading = reading_with(none, policy_, state_.client.settings().region);
    for (const auto& document : request_.documents)
      if (auto stack = read_stack(document, reading, problems))
        wanted_.insert_or_assign(std::string(stack->name), *stack);
  }

  CloudFormation& there(const Step& step) const {
    return state_.cloudformation(StackPlace::parse(name_of(step.id)).region);
  }

  const Stack& wanted(const Step& step) const {
    const auto found = wanted_.find(name_of(step.id));
    if (found == wanted_.end())
      throw fail(ProblemCause::internal, "the document of '" + name_of(step.id) + "' was not sent");
    return found->second;
  }

  /// The receipt.
  std::string carry_out(const Step& step) {
    if (is_content(step.id)) return apply_content(state_, request_, context_, policy_, step, progress_);
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
    const Stack& stack = wanted(step);
    if (const auto found = breaches(policy_, stack); !found.empty())
      throw fail(ProblemCause::permission, found.front().message, found.front().hint);
    if (expected.continues) continue_rollback(step, expected, stack);
    set_beside(step, expected, stack);
    if (!expected.change_set.empty()) {
      state_.places.remember(expected.stack, TemplatePlaces(stack, context_.blobs).resources());
      execute(step, expected);
    }
    Receipt receipt{expected.stack, expected.template_, {}, {}};
    if (!expected.change_set.empty())
      receipt.begun = {execution_token(step, expected), expected.updated, system_clock().wall()};
    receipt.policy = expected.policy;
    receipt.requires_ = stack.requires_;
    receipt.taken.digest = expected.taken;
    for (const auto& one : stack.from_outputs)
      receipt.taken.outputs[one.second.stack].insert(one.second.output);
    receipt.detects = stack.more.detects_drift;
    // A stack that is just being made is protected by a step of its own, once it stands.
    if (step.action != Action::create) receipt.protection = stack.more.protection;
    return receipt.text();
  }

  /// What no change set sets. The stack policy that is declared holds for the change that comes with it.
  void set_beside(const Step& step, const Precondition& expected, const Stack& stack) {
    if (expected.sets_policy) {
      const std::string policy = stack_policy_of(stack, context_.blobs);
      if (state_.digests.of_text(policy) != expected.policy)
        throw StalePlan{"the stack policy of '" + stack.name + "' is not the one that was planned"};
      there(step).set_policy(expected.stack, policy, context_.cancelled);
    }
    if (expected.protection) there(step).protect(expected.stack, *expected.protection, context_.cancelled);
  }

  /// A daemon that lost its database counts its syncs from 1 again: what is executed tells them apart.
  std::string execution_token(const Step& step, const Precondition& expected) const {
    return token_of(request_.sync, step.key + " " + expected.change_set);
  }

  void execute(const Step& step, const Precondition& expected) {
    const std::string token = execution_token(step, expected);
    try {
      there(step).execute_change_set(expected.change_set, token, expected.keeps, context_.cancelled);
    } catch (const ApiError& error) {
      const bool gone =
          error.code() == "ChangeSetNotFound" || error.code() == "InvalidChangeSetStatus" ||
          is_repeated(error) || is_busy(error) ||
          (error.code() == "ValidationError" && error.said().find("does not exist") != std::string::npos);
      if (!gone) throw;
      // Executed already, under this very step: by whoever was cut off before it could say so.
      if (!there(step).events(expected.stack, token, context_.cancelled).empty()) return;
      throw StalePlan{"the change set of '" + name_of(step.id) +
                      "' is not to be had any more: " + error.said()};
    }
  }

  /// Waits for its end: what is declared can be planned only then.
  [[noreturn]] void continue_rollback(const Step& step, const Precondition& expected, const Stack& stack) {
    CloudFormation& region = there(step);
    const std::string token = rollback_token(expected.stack, step.digest);
    const PlaceOf place_of = [&](const std::string& id) { return state_.places.find(expected.stack, id); };
    const auto shown = Monotonic::now() + kShownAfter;
    try {
      region.continue_rollback(expected.stack, stack.more.skip_in_rollback, stack.role, token,
                               context_.cancelled);
    } catch (const ApiError& error) {
      // Asked for already by whoever was cut off, or it is at it, or it has come to an end.
      if (!is_repeated(error) && !is_busy(error)) throw;
    }
    for (std::chrono::milliseconds pause = kBetweenLooks;;
         pause = std::min(pause * 2, kLongestBetweenLooks)) {
      const auto live = region.stack(expected.stack, context_.cancelled);
      const auto phase = live ? phase_of(live->status) : StackPhase::broken;
      if (phase != StackPhase::busy && phase != StackPhase::stuck)
        throw StalePlan{"the rollback of '" + stack.name + "' has come to its end"};
      if (phase == StackPhase::stuck) {
        // The first looks may still show that it failed before.
        auto events = region.events(expected.stack, {}, context_.cancelled);
        if (has_come_to(live->status, token, events) || Monotonic::now() > shown)
          throw fail(ProblemCause::destination,
                     "the rollback of the stack '" + stack.name + "' was continued, and failed again: " +
                         first_failure(region, std::move(events), place_of, context_.cancelled),
                     "mend that and continue it in CloudFormation, or name what it is to skip in "
                     "`skipInRollback`");
      }
      if (context_.cancelled() || Monotonic::now() + pause + kSpare > context_.deadline)
        throw fail(ProblemCause::transient, "the rollback of the stack '" + stack.name + "' goes on");
      std::this_thread::sleep_for(pause);
    }
  }

  void clear(const Step& step, const Precondition& expected) {
    const auto live = there(step).stack(expected.stack, context_.cancelled);
    if (live && phase_of(live->status) != StackPhase::stillborn)
      throw StalePlan{"the stack '" + live->name + "' is in " + live->status};
    try {
      remove(step, expected);
    } catch (const Going& going) {
      throw fail(ProblemCause::transient, going.why);  // planned again when it has gone
    }
  }

  void remove(const Step& step, const Precondition& expected) {
    CloudFormation& region = there(step);
    state_.deletions.forget(step.id);
    const auto live = region.stack(expected.stack, context_.cancelled);
    if (!live) return;
    const auto owner = owner_of(live->tags);
    if (!owner || !stands_for(*owner, request_.owner, step.from))
      throw StalePlan{"the stack '" + live->name + "' is not ours any more"};
    const auto asked = ask_to_delete(step, expected, *live);
    const PlaceOf place_of = [&](const std::string& id) { return state_.places.find(expected.stack, id); };
    const auto patience = Monotonic::now() + kPromptly;
    for (;;) {
      const auto now = look_at_deletion(region, expected.stack, asked, place_of, context_.cancelled);
      if (now.end == DeletionLook::End::gone) return;
      if (now.end == DeletionLook::End::stays)
        throw fail(ProblemCause::destination, "the stack '" + live->name + "' cannot be deleted: " + now.why,
                   "mend that: the next sync tries again");
      if (Monotonic::now() > patience) {
        state_.deletions.watch(expected.stack, {request_.owner.application, step.id,
                                                StackPlace::parse(name_of(step.id)).region, asked});
        throw Going{"the stack '" + live->name + "' is in " + now.status};
      }
      std::this_thread::sleep_for(kBetweenLooks);
    }
  }

  AskedDeletion ask_to_delete(const Step& step, const Precondition& expected, const StackFacts& live) {
    AskedDeletion asked{token_of(request_.sync, step.key + " " + expected.stack), live.status_reason,
                        Monotonic::now() + kShownAfter};
    try {
      there(step).delete_stack(expected.stack, asked.token, context_.cancelled);
      return asked;
    } catch (const ApiError& error) {
      if (is_repeated(error)) return asked;
      if (is_busy(error))
        throw fail(ProblemCause::transient,
                   "an operation on the stack '" + live.name + "' is under way: " + error.said());
      if (error.said().find("TerminationProtection") == std::string::npos) throw;
      throw fail(ProblemCause::conflict, "the stack '" + live.name + "' is not deleted: " + error.said(),
                 "switch its termination protection off in CloudFormation");
    }
  }

  State& state_;
  const protocol::ApplyRequest& request_;
  protocol::CallContext& context_;
  const protocol::ProgressSink& progress_;
  Policy policy_;
  std::map<std::string, Stack> wanted_;  ///< by its place's text
  std::vector<std::vector<std::size_t>> after_;
  std::vector<StepResult> results_;
  std::atomic<bool> cancelled_{false};
};

}  // namespace

std::string token_of(const std::string& sync, const std::string& key) {
  return "gitopsd-" + to_hex(sha256(sync + " " + key)).substr(0, 48);
}

std::string rollback_token(const std::string& stack, const std::string& document) {
  return token_of("rollback " + stack, document);
}

std::string first_failure(const State& state, CloudFormation& there, const std::string& stack,
                          const Cancelled& cancelled) {
  return first_failure(
      there, there.events(stack, {}, cancelled),
      [&](const std::string& id) { return state.places.find(stack, id); }, cancelled);
}

protocol::ApplyResult apply(State& state, const protocol::ApplyRequest& request,
                            protocol::CallContext& context, const protocol::ProgressSink& progress) {
  return StackApplier(state, request, context, progress).run();
}

}  // namespace gitopsd::aws
