#include "providers/aws/change_text.h"
#include "providers/aws/changes.h"
#include "providers/aws/data_guard.h"
#include "providers/aws/nested_stacks.h"
#include "providers/aws/stack_planner.h"

namespace gitopsd::aws {

using protocol::Action;

PlannedStack StackPlanner::made_anew(const Stack& wanted, const StackFacts& live) const {
  if (!owner_of(live.tags))
    return PlannedStack::of(plan_problem(fail(ProblemCause::conflict,
                                              "the stack '" + wanted.name + "' is in " + live.status +
                                                  ", of a creation by somebody else that failed",
                                              "delete it in CloudFormation: then it is made as declared"),
                                         id_of(wanted.name), wanted.document));
  auto step =
      step_for(wanted, Action::replace, "its creation failed: what is left is deleted, and it is made anew");
  step.precondition = Precondition{"", live.id}.text();
  return PlannedStack::of(std::move(step));
}

/// Its rollback failed: once for what is declared it is continued, and what is declared is planned then.
PlannedStack StackPlanner::continued(const Stack& wanted, const StackFacts& live) {
  const auto events = there(wanted.name).events(live.id, {}, context_.cancelled);
  const std::string cause = first_failure(
      there(wanted.name), events, [&](const std::string& id) { return state_.places.find(live.id, id); },
      context_.cancelled);
  if (!events.empty() && events.front().token == rollback_token(live.id, wanted.document))
    return PlannedStack::of(plan_problem(
        fail(ProblemCause::destination,
             "the rollback of the stack '" + wanted.name + "' was continued, and failed again: " + cause,
             "mend that and continue it in CloudFormation, or name what it is to skip in `skipInRollback`"),
        id_of(wanted.name), wanted.document));
  std::string reason = "its rollback failed (" + cause + "): it is continued";
  for (const auto& skipped : wanted.more.skip_in_rollback)
    reason += (&skipped == &wanted.more.skip_in_rollback.front() ? ", without " : ", ") + skipped;
  auto step = step_for(wanted, Action::update, reason + "; what changes is known then");
  step.key = "continue " + step.id.str();
  Precondition expected{"", live.id};
  expected.continues = true;
  step.precondition = expected.text();
  return PlannedStack::of(std::move(step));
}

/// Drift of its resources, by a change set that compares with what is there. Nobody approves a heal: it
/// touches nothing but what has drifted, and replaces and deletes nothing.
PlannedStack StackPlanner::put_back(const Stack& wanted, const StackFacts& live, const DriftReport& report) {
  if (!report.refused.empty()) return refused(wanted, live, report, report.refused);
  if (const auto why = out_of_reach(report); !why.empty()) return refused(wanted, live, report, why);
  if (auto problem = in_the_way(live, wanted)) return PlannedStack::of(*std::move(problem));
  Precondition expected;
  set_beside(wanted, live, expected);
  Changes changes;
  try {
    const std::optional<StackFacts> now = live;
    const Texts given = parameters(wanted);
    expected.taken = taken(wanted, given);
    changes = make_changes(state_, context_, {wanted, given, request_.owner, now, request_.sync, true});
  } catch (const Failure& failure) {
    if (failure.cause() == ProblemCause::transient) throw;
    return refused(wanted, live, report, failure.problems().front().message);
  }
  if (!changes.set) return refused(wanted, live, report, "CloudFormation finds nothing to put back");
  const ChangeSet& set = *changes.set;
  if (const auto why = why_not(set, report); !why.empty()) {
    there(wanted.name).delete_change_set(set.id, context_.cancelled);
    return refused(wanted, live, report, why);
  }
  auto out = PlannedStack::of(
      step_for(wanted, Action::update, "resources are not as they were applied: " + change_summary(set)));
  out.made = made_by(wanted, set, false);
  expected.change_set = set.id;
  expected.stack = set.stack_id;
  expected.template_ = changes.template_digest;
  expected.updated = live.updated;
  expected.keeps = keeps_what_failed(wanted, live);
  out.step->precondition = expected.text();
  out.step->diff = change_text(set, DataGuard(policy_.data, wanted.more));
  return out;
}

/// It is asked for no more until the next detection.
PlannedStack StackPlanner::refused(const Stack& wanted, const StackFacts& live, const DriftReport& report,
                                   const std::string& why) {
  state_.drift.refuse(live.id, why);
  return PlannedStack::of(
      plan_problem(fail(ProblemCause::conflict,
                        "the drift of the stack '" + wanted.name + "' is not put back by itself: " + why +
                            "; what drifted: " + drift_reason(report),
                        "put it back by hand, or declare what is there"),
                   id_of(wanted.name), wanted.document));
}

}  // namespace gitopsd::aws
