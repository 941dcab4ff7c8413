#include <algorithm>

#include "base/log.h"
#include "providers/aws/change_text.h"
#include "providers/aws/changes.h"
#include "providers/aws/data_guard.h"
#include "providers/aws/stack_planner.h"

namespace gitopsd::aws {
namespace {

using protocol::Action;
using protocol::Step;

/// CloudFormation may see nothing to change where only the topics are others.
void check_topics(const Stack& wanted, const std::optional<StackFacts>& live) {
  if (!live || !wanted.more.notifications) return;
  auto wish = *wanted.more.notifications;
  std::sort(wish.begin(), wish.end());
  if (wish == live->notifications) return;
  throw fail(ProblemCause::destination,
             "CloudFormation does not change the topics of the stack '" + wanted.name + "' alone",
             "change a tag or a parameter with them");
}

/// Each change set names the role; one without changes leaves the stack with its own.
bool has_another_role(const Stack& wanted, const std::optional<StackFacts>& live) {
  return live && !wanted.role.empty() && wanted.role != live->role;
}

/// What replaces a resource, which CloudFormation does only where it may roll back; nullptr where nothing
/// does.
const ResourceChange* replacing(const ChangeSet& set) {
  const auto found = std::find_if(set.changes.begin(), set.changes.end(), [](const ResourceChange& change) {
    return change.replacement == "True" && !change.physical_id.empty();
  });
  return found == set.changes.end() ? nullptr : &*found;
}

bool has_nested(const ChangeSet& set) {
  return std::any_of(set.changes.begin(), set.changes.end(),
                     [](const ResourceChange& change) { return !change.nested.empty(); });
}

}  // namespace

bool keeps_what_failed(const Stack& wanted, const std::optional<StackFacts>& live) {
  return wanted.more.on_failure == "DO_NOTHING" || (live && phase_of(live->status) == StackPhase::halted);
}

Value made_by(const Stack& wanted, const ChangeSet& set, bool creates) {
  Value made = Value::object({{"changeSet", set.id}, {"region", StackPlace::parse(wanted.name).region}});
  if (creates) made.set("stack", set.stack_id);
  if (has_nested(set)) made.set("nested", true);
  return made;
}

PlannedStack StackPlanner::upsert(const Stack& wanted) {
  const auto live = look(wanted.name);
  if (live && live->status != "DELETE_FAILED") state_.deletions.forget(id_of(wanted.name));
  if (live)
    if (auto planned = before_changes(*live, wanted)) return *std::move(planned);
  const bool creates = !live || phase_of(live->status) == StackPhase::review;
  const bool ours = live && owner_of(live->tags) == request_.owner;
  const Action action = creates ? Action::create : ours ? Action::update : Action::adopt;
  if (const auto first = changing_before(wanted); !first.empty()) {
    auto step = step_for(wanted, action, "what changes is known when '" + first + "' is done");
    step.provisional = true;
    return PlannedStack::of(std::move(step));
  }
  return changed(wanted, live, action);
}

/// What comes of it as it is; nullopt: what is declared may be changed.
std::optional<PlannedStack> StackPlanner::before_changes(const StackFacts& live, const Stack& wanted) {
  if (auto problem = others(live, wanted)) return PlannedStack::of(*std::move(problem));
  if (request_.mode == protocol::PlanMode::heal) {
    const auto report = state_.drift.report(live.id, live.updated);
    if (report && !report->drifted.empty()) return put_back(wanted, live, *report);
  }
  if (is_as_applied(live, wanted)) return PlannedStack::of(step_for(wanted, Action::none, ""));
  if (phase_of(live.status) == StackPhase::stuck) return continued(wanted, live);
  if (auto problem = in_the_way(live, wanted)) return PlannedStack::of(*std::move(problem));
  if (phase_of(live.status) == StackPhase::stillborn) return made_anew(wanted, live);
  return std::nullopt;
}

PlannedStack StackPlanner::changed(const Stack& wanted, const std::optional<StackFacts>& live,
                                   Action action) {
  Precondition expected{"", live ? live->id : "", ""};
  const std::string beside = set_beside(wanted, live, expected);  // it may refuse, and leaves nothing then
  const Texts given = parameters(wanted);
  expected.taken = taken(wanted, given);
  const bool heals = request_.mode == protocol::PlanMode::heal;
  const std::string now = live ? live->updated + " " + wanted.document + " " + expected.taken : std::string();
  if (const auto why = heals && live ? state_.refused_heals.find(live->id, now) : std::nullopt)
    return PlannedStack::of(plan_problem(*why, id_of(wanted.name), wanted.document));
  const auto changes = make_changes(state_, context_, {wanted, given, request_.owner, live, request_.sync});
  expected.template_ = changes.template_digest;
  if (!changes.set) return unchanged(wanted, live, expected, beside);
  const ChangeSet& set = *changes.set;
  const bool creates = action == Action::create;
  const DataGuard guard(policy_.data, wanted.more);
  const auto destroys = guard.of(set);
  if (heals && destroys == protocol::Destroys::data) {
    const Failure why = not_put_back(wanted, set, creates, guard);
    if (live) state_.refused_heals.add(live->id, now, why);
    return PlannedStack::of(plan_problem(why, id_of(wanted.name), wanted.document));
  }
  expected.keeps = keeps_what_failed(wanted, live);
  if (const auto* change = replacing(set); change && expected.keeps)
    return not_replaced(wanted, *live, set, *change);
  expected.change_set = set.id;
  expected.stack = set.stack_id;
  if (!creates) expected.updated = live->updated;
  auto out = PlannedStack::of(step_for(wanted, action, change_summary(set)));
  out.step->fresh = true;
  out.made = made_by(wanted, set, creates);
  if (creates && !beside.empty()) {
    out.after = once_it_stands(wanted, expected, beside);
    out.after->fresh = true;
    Precondition creation{set.id, set.stack_id, changes.template_digest};  // nothing is set beside it
    creation.keeps = expected.keeps;
    creation.taken = expected.taken;
    expected = creation;
  } else if (!beside.empty()) {
    out.step->reason += "; " + beside;
  }
  out.step->precondition = expected.text();
  out.step->diff = change_text(set, guard);
  out.step->destroys = destroys;
  return out;
}

/// Nobody approves a heal, so that it loses nothing that holds data.
Failure StackPlanner::not_put_back(const Stack& wanted, const ChangeSet& set, bool creates,
                                   const DataGuard& guard) const {
  throw_away(there(wanted.name), {set.id, creates ? set.stack_id : std::string()}, has_nested(set),
             context_.cancelled);
  std::string lost;
  for (const auto& change : set.changes)
    if (guard.loses_data(change))
      lost += (lost.empty() ? "" : ", ") + named(change.logical_id, change.type, {});
  return fail(ProblemCause::conflict,
              "the stack '" + wanted.name + "' is not put back by itself: data would be lost with " + lost,
              "`gitopsctl sync` plans it as a commit would, and asks for approval; or declare what is there");
}

/// The change set of a stack without rollback would fail at it.
PlannedStack StackPlanner::not_replaced(const Stack& wanted, const StackFacts& live, const ChangeSet& set,
                                        const ResourceChange& change) const {
  throw_away(there(wanted.name), {set.id, {}}, has_nested(set), context_.cancelled);
  const bool halted = phase_of(live.status) == StackPhase::halted;
  const std::string why = halted ? "is in " + live.status : "has `onFailure: keep`";
  return PlannedStack::of(plan_problem(fail(halted ? ProblemCause::destination : ProblemCause::input,
                                            "the stack '" + wanted.name + "' " + why +
                                                ", and CloudFormation replaces nothing without a rollback: " +
                                                named(change.logical_id, change.type, {}),
                                            halted ? "take that out, or roll the stack back in CloudFormation"
                                                   : "leave `onFailure` out for this change"),
                                       id_of(wanted.name), wanted.document));
}

/// By CloudFormation; there may be something to set beside.
PlannedStack StackPlanner::unchanged(const Stack& wanted, const std::optional<StackFacts>& live,
                                     const Precondition& expected, const std::string& beside) const {
  check_topics(wanted, live);
  const bool ours = live && owner_of(live->tags) == request_.owner;
  const auto receipt = receipt_of(wanted);
  const bool takes = receipt && receipt->taken.digest != expected.taken;  // to be remembered
  const Action action = !ours ? Action::adopt : beside.empty() && !takes ? Action::none : Action::update;
  if (has_another_role(wanted, live))
    log::warning(
        "CloudFormation does not change a stack's role alone: it has the declared one from its next change "
        "on",
        {{"stack", wanted.name}, {"role", live->role}, {"declared", wanted.role}});
  auto step = step_for(wanted, action,
                       !beside.empty() ? beside
                       : ours          ? "CloudFormation sees no change"
                                       : "it is as declared, and becomes ours");
  step.precondition = expected.text();
  return PlannedStack::of(std::move(step));
}

/// What no change set sets: into `expected`, and told.
std::string StackPlanner::set_beside(const Stack& wanted, const std::optional<StackFacts>& live,
                                     Precondition& expected) {
  std::string told;
  const auto receipt = receipt_of(wanted);
  const bool same = receipt && live && receipt->stack == live->id;
  if (wanted.more.has_policy() || (same && !receipt->policy.empty())) {
    expected.policy = state_.digests.of_text(stack_policy_of(wanted, context_.blobs));
    expected.sets_policy = !same || receipt->policy != expected.policy;
    if (expected.sets_policy)
      told = wanted.more.has_policy() ? "its stack policy is set"
                                      : "its stack policy becomes one that allows every update";
  }
  const auto wish = wanted.more.protection;
  if (wish && *wish != (live && live->protection)) {
    expected.protection = wish;
    told += std::string(told.empty() ? "" : "; ") + "its termination protection is switched " +
            (*wish ? "on" : "off");
  }
  return told;
}

/// A stack that is protected before it stands could not be made anew if its creation failed.
Step StackPlanner::once_it_stands(const Stack& wanted, Precondition expected, const std::string& what) const {
  auto step = step_for(wanted, Action::update, what);
  step.key = "settings " + step.id.str();
  expected.change_set.clear();
  step.precondition = expected.text();
  return step;
}

}  // namespace gitopsd::aws
