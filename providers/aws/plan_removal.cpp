#include "providers/aws/change_text.h"
#include "providers/aws/data_guard.h"
#include "providers/aws/nested_stacks.h"
#include "providers/aws/stack_planner.h"

namespace gitopsd::aws {
namespace {

using protocol::Action;

}  // namespace

PlannedStack StackPlanner::removal(const ResourceId& id) {
  const std::string name = name_of(id);
  const auto problem = [&](ProblemCause cause, const std::string& message, const std::string& hint) {
    return PlannedStack::of(plan_problem(fail(cause, message, hint), id, ""));
  };
  if (!policy_.allows_stack(name))
    return problem(ProblemCause::permission, "the policy does not allow the stack '" + name + "'", "");
  const auto live = look(name);
  const auto owner = live ? owner_of(live->tags) : std::nullopt;
  const bool ours = owner && stands_for(*owner, request_.owner, from_of(id));
  if (ours && live->status == "DELETE_IN_PROGRESS")
    return PlannedStack::of(step_for(id, Action::none, "is in " + live->status));
  // Of those, CloudFormation deletes only what is still being created.
  if (ours && phase_of(live->status) == StackPhase::busy && live->status.starts_with("UPDATE_"))
    return PlannedStack::of(under_way(*live, id, ""));
  if (ours && live->protection)
    return problem(ProblemCause::conflict,
                   "the stack '" + name + "' is no longer declared, and its termination protection is on",
                   "switch the protection off in CloudFormation, or declare the stack again with "
                   "`terminationProtection: false`");
  auto step = step_for(id, Action::remove,
                       !live  ? "it is gone already"
                       : ours ? "it is no longer declared" + failed_before(*live, name)
                              : "it is not ours any more, and stays");
  step.precondition = Precondition{"", ours ? live->id : ""}.text();
  step.destroys = ours ? DataGuard(policy_.data).of_deletion() : protocol::Destroys::nothing;
  if (ours) step.diff = what_goes(*live, name);
  return PlannedStack::of(std::move(step));
}

std::string StackPlanner::failed_before(const StackFacts& live, const std::string& place) const {
  if (live.status != "DELETE_FAILED") return {};
  const std::string cause = first_failure(state_, there(place), live.id, context_.cancelled);
  return "; its deletion failed before: " + (cause.empty() ? live.status_reason : cause);
}

std::string StackPlanner::what_goes(const StackFacts& live, const std::string& place) const {
  const auto all = contents_of(there(place), live.id, context_.cancelled);
  return deletion_text(all.resources, all.retained, DataGuard(policy_.data));
}

}  // namespace gitopsd::aws
