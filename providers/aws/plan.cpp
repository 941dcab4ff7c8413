#include <algorithm>
#include <map>

#include "base/json.h"
#include "base/yaml.h"
#include "providers/aws/change_text.h"
#include "providers/aws/changes.h"
#include "providers/aws/content_verbs.h"
#include "providers/aws/data_guard.h"
#include "providers/aws/order.h"
#include "providers/aws/stack_looks.h"
#include "providers/aws/verbs.h"
#include "providers/protocol/schedule.h"

namespace gitopsd::aws {
namespace {

using namespace std::chrono_literals;
using protocol::Action;
using protocol::Step;
using protocol::WireProblem;

/// From here on one page of all is cheaper than each by itself.
constexpr std::size_t kManyStacks = 8;
/// Of somebody else: nothing tells when it ends.
constexpr int kLooksAgainWithin = 15;

/// The steps and problems of one stack.
struct Planned {
  std::optional<Step> step;
  std::optional<Step> after;  ///< once that one's effect is there
  std::vector<WireProblem> problems;
  Value made;  ///< {region, changeSet, stack: that is there for nothing else}
};

/// Logical ids of a template's resources that are let go of when their stack is deleted.
std::vector<std::string> retained_by(const std::string& text) {
  std::vector<std::string> out;
  for (const Value& whole : parse_yaml(text, "the template")) {
    const Value* resources = whole.find("Resources");
    if (!resources || !resources->is_object()) continue;
    for (const auto& [id, resource] : resources->as_object()) {
      const Value* policy = resource.find("DeletionPolicy");
      if (policy && policy->is_string() && policy->as_string().starts_with("Retain")) out.push_back(id);
    }
  }
  return out;
}

class StackPlanner {
 public:
  StackPlanner(State& state, const protocol::PlanRequest& request, protocol::CallContext& context)
      : state_(state), request_(request), context_(context) {}

  protocol::PlanResult run() {
    protocol::PlanResult result;
    policy_ = Policy::parse(request_.policy, result.problems);
    read_documents(result.problems);
    if (!result.problems.empty()) return result;
    state_.check_account(context_.cancelled);
    looks_.emplace(state_, places(), kManyStacks, context_.cancelled);
    const std::size_t upserts = wanted_.size(), all = upserts + request_.remove.size();
    planned_.resize(all);
    // Two waves for each level: what comes once a stack stands comes before those that need it.
    const int last = levels_.empty() ? 0 : 2 * (*std::max_element(levels_.begin(), levels_.end()) + 1);
    protocol::run_in_order(requirements(all), kCallsAtOnce, [&](std::size_t i) {
      const ResourceId id = i < upserts ? id_of(wanted_[i].name) : request_.remove[i - upserts];
      try {
        planned_[i] = i < upserts ? upsert(wanted_[i]) : removal(id);
        if (auto& step = planned_[i].step) step->wave = i < upserts ? 2 * levels_[i] : last;
        if (auto& after = planned_[i].after) after->wave = 2 * levels_[i] + 1;
      } catch (const Failure& failure) {
        planned_[i].problems.push_back(problem_of(failure, id, i < upserts ? wanted_[i].document : ""));
      }
    });
    Value made = Value::array();
    for (auto& one : planned_) {
      for (auto* step : {&one.step, &one.after})
        if (*step) result.steps.push_back(std::move(**step));
      for (auto& problem : one.problems) result.problems.push_back(std::move(problem));
      if (!one.made.is_null()) made.push(std::move(one.made));
    }
    if (!made.as_array().empty()) result.discard = to_json(made);
    return result;
  }

 private:
  void read_documents(std::vector<WireProblem>& problems) {
    std::map<std::string_view, const protocol::Resource*> upserts;
    for (const auto& resource : request_.upsert) upserts.emplace(resource.document, &resource);
    const Value none;
    const Reading reading{none, policy_.only_stack(), state_.client.settings().region};
    for (const auto& document : request_.documents) {
      const auto resource = upserts.find(document.digest);
      if (resource == upserts.end() || is_content(document)) continue;
      auto stack = read_stack(document, reading, problems);
      if (!stack) continue;
      stack->options = resource->second->options;
      for (auto& problem : breaches(policy_, *stack)) problems.push_back(std::move(problem));
      wanted_.push_back(*std::move(stack));
    }
    for (const auto& entry : request_.entries) entries_.emplace(entry.id, &entry);
    levels_ = sort_by_requirements(wanted_, problems);
  }

  /// What has to be planned before: it decides whether outputs are known.
  std::vector<std::vector<std::size_t>> requirements(std::size_t all) const {
    std::vector<std::vector<std::size_t>> after(all);
    for (std::size_t i = 0; i < wanted_.size(); ++i)
      for (std::size_t before = 0; before < i; ++before)
        if (std::binary_search(wanted_[i].requires_.begin(), wanted_[i].requires_.end(),
                               wanted_[before].name))
          after[i].push_back(before);
    return after;
  }

  std::vector<std::string> places() const {
    std::vector<std::string> out;
    for (const auto& stack : wanted_) out.push_back(stack.name);
    for (const auto& id : request_.remove) out.push_back(name_of(id));
    return out;
  }

  std::optional<StackFacts> look(const std::string& place) const { return looks_->look(place); }

  CloudFormation& there(const std::string& place) const {
    return state_.cloudformation(StackPlace::parse(place).region);
  }

  std::string from_of(const ResourceId& id) const {
    const auto found = entries_.find(id);
    return found == entries_.end() ? std::string() : found->second->from;
  }

  static Step step_for(const ResourceId& id, Action action, std::string reason) {
    Step step;
    step.id = id;
    step.action = action;
    step.key = std::string(to_string(action)) + " " + id.str();
    step.reason = std::move(reason);
    step.rerun = protocol::Rerun::safe;  // the request token and the change set let nothing happen twice
    return step;
  }

  WireProblem problem_of(const Failure& failure, const ResourceId& id, const std::string& document) const {
    const Problem& first = failure.problems().front();
    WireProblem problem;
    problem.code = "plan";
    problem.cause = first.cause;
    problem.message = first.message;
    problem.hint = first.hint;
    problem.id = id.str();
    problem.document = document;
    if (!document.empty()) problem.pointer = "/spec/template";
    return problem;
  }

  /// Whose it is decides; nullopt: it is, or may become, the owner's.
  std::optional<WireProblem> others(const StackFacts& live, const Stack& wanted) const {
    const auto owner = owner_of(live.tags);
    if (!owner || stands_for(*owner, request_.owner, from_of(id_of(wanted.name)))) return std::nullopt;
    const bool here = owner->installation == request_.owner.installation;
    auto problem =
        problem_of(fail(ProblemCause::conflict,
                        "the stack '" + wanted.name + "' belongs to application '" + owner->application +
                            "'" + (here ? "" : " of another installation ('" + owner->installation + "')"),
                        "declare it in one place only, or give this one another name"),
                   id_of(wanted.name), wanted.document);
    problem.pointer = "/metadata/name";
    if (here) problem.owner = owner->application;
    return problem;
  }

  std::optional<Receipt> receipt_of(const Stack& wanted) const {
    const auto entry = entries_.find(id_of(wanted.name));
    if (entry == entries_.end() || !entry->second->owned) return std::nullopt;
    return Receipt::parse(entry->second->owned->receipt);
  }

  /// Whether nobody has touched it since we left it, as this document wants it.
  bool is_as_applied(const StackFacts& live, const Stack& wanted) const {
    const auto entry = entries_.find(id_of(wanted.name));
    if (entry == entries_.end() || !entry->second->owned || !entry->second->from.empty()) return false;
    const auto receipt = receipt_of(wanted);
    const bool protected_ = !wanted.more.protection || (*wanted.more.protection == live.protection &&
                                                        receipt && receipt->protection == live.protection);
    const bool policy = !wanted.more.has_policy() || (receipt && !receipt->policy.empty());
    return receipt && entry->second->owned->digest == wanted.document && receipt->stack == live.id &&
           phase_of(live.status) == StackPhase::well && receipt->updated == live.updated && protected_ &&
           policy;
  }

  Planned upsert(const Stack& wanted) {
    Planned out;
    const ResourceId id = id_of(wanted.name);
    const auto live = look(wanted.name);
    if (live) {
      if (auto problem = others(*live, wanted)) return out.problems.push_back(*std::move(problem)), out;
      if (request_.mode == protocol::PlanMode::heal)
        if (const auto report = state_.drift.report(live->id, live->updated);
            report && !report->drifted.empty())
          return put_back(wanted, *live, *report);
      if (is_as_applied(*live, wanted))
        return out.step = with_digest(step_for(id, Action::none, ""), wanted), out;
      if (phase_of(live->status) == StackPhase::stuck) return continued(wanted, *live);
      if (auto problem = in_the_way(*live, wanted)) return out.problems.push_back(*std::move(problem)), out;
      if (phase_of(live->status) == StackPhase::stillborn) {
        auto step = step_for(id, Action::replace,
                             "its creation failed: what is left is deleted, and it is made anew");
        step.precondition = Precondition{"", live->id}.text();
        return out.step = with_digest(std::move(step), wanted), out;
      }
    }
    const bool creates = !live || phase_of(live->status) == StackPhase::review;
    const bool ours = live && owner_of(live->tags) == request_.owner;
    const Action action = creates ? Action::create : ours ? Action::update : Action::adopt;
    if (const auto first = changing_before(wanted); !first.empty()) {
      auto step = step_for(id, action, "what changes is known when '" + first + "' has its outputs");
      step.provisional = true;
      step.from = from_of(id);
      return out.step = with_digest(std::move(step), wanted), out;
    }
    const auto changes =
        make_changes(state_, context_, {wanted, parameters(wanted), request_.owner, live, request_.sync});
    Precondition expected{"", live ? live->id : "", changes.template_digest};
    const std::string beside = set_beside(wanted, live, expected);
    if (!changes.set) {
      check_topics(wanted, live);
      const Action kind = !ours ? Action::adopt : beside.empty() ? Action::none : Action::update;
      auto step = step_for(id, kind,
                           !beside.empty() ? beside
                           : ours          ? "CloudFormation sees no change"
                                           : "it is as declared, and becomes ours");
      step.precondition = expected.text();
      return out.step = with_digest(std::move(step), wanted), out;
    }
    const ChangeSet& set = *changes.set;
    out.made = made_by(wanted, set, creates);
    auto step = step_for(id, action, change_summary(set));
    expected.change_set = set.id;
    expected.stack = set.stack_id;
    if (creates && !beside.empty()) out.after = with_digest(once_it_stands(wanted, expected, beside), wanted);
    if (!creates && !beside.empty()) step.reason += "; " + beside;
    if (creates) expected = {set.id, set.stack_id, changes.template_digest};
    step.precondition = expected.text();
    step.diff = change_text(set);
    step.destroys = DataGuard(policy_.data, wanted.more).of(set);
    step.from = from_of(id);
    out.step = with_digest(std::move(step), wanted);
    return out;
  }

  Texts parameters(const Stack& wanted) const {
    return parameters_of(wanted, [this](const std::string& place) { return look(place); });
  }

  /// CloudFormation may see nothing to change where only the topics are others.
  static void check_topics(const Stack& wanted, const std::optional<StackFacts>& live) {
    if (!live || !wanted.more.notifications || *wanted.more.notifications == live->notifications) return;
    throw fail(ProblemCause::destination,
               "CloudFormation does not change the topics of the stack '" + wanted.name + "' alone",
               "change a tag or a parameter with them");
  }

  static Value made_by(const Stack& wanted, const ChangeSet& set, bool creates) {
    Value made = Value::object({{"changeSet", set.id}, {"region", StackPlace::parse(wanted.name).region}});
    if (creates) made.set("stack", set.stack_id);
    return made;
  }

  /// What no change set sets: into `expected`, and told.
  std::string set_beside(const Stack& wanted, const std::optional<StackFacts>& live, Precondition& expected) {
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
  Step once_it_stands(const Stack& wanted, Precondition expected, const std::string& what) const {
    const ResourceId id = id_of(wanted.name);
    auto step = step_for(id, Action::update, what);
    step.key = "settings " + id.str();
    expected.change_set.clear();
    step.precondition = expected.text();
    return step;
  }

  /// Its rollback failed: once for what is declared it is continued, and what is declared is planned then.
  Planned continued(const Stack& wanted, const StackFacts& live) {
    Planned out;
    const ResourceId id = id_of(wanted.name);
    const auto events = there(wanted.name).events(live.id, {}, context_.cancelled);
    const std::string cause = first_failure(events);
    if (!events.empty() && events.front().token == rollback_token(live.id, wanted.document)) {
      out.problems.push_back(problem_of(
          fail(ProblemCause::destination,
               "the rollback of the stack '" + wanted.name + "' was continued, and failed again: " + cause,
               "mend that and continue it in CloudFormation, or name what it is to skip in `skipInRollback`"),
          id, wanted.document));
      return out;
    }
    std::string reason = "its rollback failed (" + cause + "): it is continued";
    for (const auto& skipped : wanted.more.skip_in_rollback)
      reason += (&skipped == &wanted.more.skip_in_rollback.front() ? ", without " : ", ") + skipped;
    auto step = step_for(id, Action::update, reason + "; what changes is known then");
    step.key = "continue " + id.str();
    Precondition expected{"", live.id};
    expected.continues = true;
    step.precondition = expected.text();
    step.from = from_of(id);
    out.step = with_digest(std::move(step), wanted);
    return out;
  }

  /// Drift of its resources, by a change set that compares with what is there. Nobody approves a heal: it
  /// touches nothing but what has drifted, and replaces and deletes nothing.
  Planned put_back(const Stack& wanted, const StackFacts& live, const DriftReport& report) {
    Planned out;
    const ResourceId id = id_of(wanted.name);
    const auto refused = [&](const std::string& why) {
      state_.drift.refuse(live.id, why);
      out.problems.push_back(
          problem_of(fail(ProblemCause::conflict,
                          "the drift of the stack '" + wanted.name + "' is not put back by itself: " + why,
                          "put it back by hand, or declare what is there"),
                     id, wanted.document));
      return out;
    };
    if (!report.refused.empty()) return refused(report.refused);
    if (phase_of(live.status) == StackPhase::busy) {
      out.problems.push_back(*in_the_way(live, wanted));
      return out;
    }
    std::optional<ChangeSet> set;
    std::string template_digest;
    try {
      const std::optional<StackFacts> now = live;
      auto changes = make_changes(state_, context_,
                                  {wanted, parameters(wanted), request_.owner, now, request_.sync, true});
      set = std::move(changes.set);
      template_digest = changes.template_digest;
    } catch (const Failure& failure) {
      if (failure.cause() == ProblemCause::transient) throw;
      return refused(failure.problems().front().message);
    }
    if (!set) return refused("CloudFormation finds nothing to put back");
    if (const auto why = why_not(*set, report); !why.empty()) {
      there(wanted.name).delete_change_set(set->id, context_.cancelled);
      return refused(why);
    }
    out.made = made_by(wanted, *set, false);
    auto step =
        step_for(id, Action::update, "resources are not as they were applied: " + change_summary(*set));
    Precondition expected{set->id, set->stack_id, template_digest};
    set_beside(wanted, live, expected);
    step.precondition = expected.text();
    step.diff = change_text(*set);
    out.step = with_digest(std::move(step), wanted);
    return out;
  }

  /// A stack of which it takes an output and that this plan changes first.
  std::string changing_before(const Stack& wanted) const {
    for (const auto& output : wanted.from_outputs) {
      const OutputOf& from = output.second;
      const auto found = std::find_if(wanted_.begin(), wanted_.end(),
                                      [&](const Stack& each) { return each.name == from.stack; });
      if (found == wanted_.end()) continue;
      const auto& step = planned_[static_cast<std::size_t>(found - wanted_.begin())].step;
      if (!step || step->action != Action::none) return from.stack;
    }
    return {};
  }

  static Step with_digest(Step step, const Stack& wanted) {
    step.digest = wanted.document;
    return step;
  }

  std::optional<WireProblem> in_the_way(const StackFacts& live, const Stack& wanted) const {
    const ResourceId id = id_of(wanted.name);
    switch (phase_of(live.status)) {
      case StackPhase::busy: {
        auto problem = problem_of(fail(ProblemCause::transient, "an operation on the stack '" + wanted.name +
                                                                    "' is under way: " + live.status),
                                  id, wanted.document);
        problem.retry_after_seconds = kLooksAgainWithin;
        return problem;
      }
      case StackPhase::broken: {
        const std::string cause = first_failure(there(wanted.name), live.id, context_.cancelled);
        const std::string why = cause.empty() ? live.status_reason : cause;
        return problem_of(
            fail(ProblemCause::destination,
                 "the stack '" + wanted.name + "' is in " + live.status + (why.empty() ? "" : ": " + why),
                 "delete it in CloudFormation, or mend it there"),
            id, wanted.document);
      }
      default:
        return std::nullopt;
    }
  }

  Planned removal(const ResourceId& id) {
    Planned out;
    const std::string name = name_of(id);
    if (!policy_.allows_stack(name)) {
      out.problems.push_back(problem_of(
          fail(ProblemCause::permission, "the policy does not allow the stack '" + name + "'", ""), id, ""));
      return out;
    }
    const auto live = look(name);
    const auto owner = live ? owner_of(live->tags) : std::nullopt;
    const bool ours = owner && stands_for(*owner, request_.owner, from_of(id));
    if (ours && live->status == "DELETE_IN_PROGRESS") {
      out.step = step_for(id, Action::none, "is in " + live->status);
      return out;
    }
    if (ours && live->protection) {
      out.problems.push_back(problem_of(
          fail(ProblemCause::conflict,
               "the stack '" + name + "' is no longer declared, and its termination protection is on",
               "switch the protection off in CloudFormation, or declare the stack again with "
               "`terminationProtection: false`"),
          id, ""));
      return out;
    }
    const std::string reason = !live  ? "it is gone already"
                               : ours ? "it is no longer declared"
                                      : "it is not ours any more, and stays";
    auto step = step_for(id, Action::remove, reason);
    step.precondition = Precondition{"", ours ? live->id : ""}.text();
    step.destroys = ours ? DataGuard(policy_.data).of_deletion() : protocol::Destroys::nothing;
    if (ours) step.diff = what_goes(*live, name);
    step.from = from_of(id);
    out.step = std::move(step);
    return out;
  }

  std::string what_goes(const StackFacts& live, const std::string& place) const {
    CloudFormation& region = there(place);
    std::vector<std::string> retained;
    try {
      retained = retained_by(region.template_of(live.id, context_.cancelled));
    } catch (const Failure& failure) {
      if (failure.cause() != ProblemCause::input) throw;  // a template that CloudFormation reads otherwise
    }
    return deletion_text(region.resources(live.id, context_.cancelled), retained);
  }

  State& state_;
  const protocol::PlanRequest& request_;
  protocol::CallContext& context_;
  Policy policy_;
  std::vector<Stack> wanted_;     ///< in the order in which they may be made
  std::vector<int> levels_;       ///< of `wanted_`
  std::vector<Planned> planned_;  ///< first those wanted, then the removals
  std::map<ResourceId, const protocol::Entry*> entries_;
  std::optional<StackLooks> looks_;
};

}  // namespace

std::string Precondition::text() const {
  Value out = Value::object({{"changeSet", change_set}, {"stack", stack}, {"template", template_}});
  if (!policy.empty()) out.set("policy", policy);
  if (sets_policy) out.set("setsPolicy", true);
  if (protection) out.set("protection", *protection);
  if (continues) out.set("continues", true);
  return to_json(out);
}

Precondition Precondition::parse(const std::string& text) {
  const Value value = parse_json(text);
  Precondition out{value.get_string("changeSet"), value.get_string("stack"), value.get_string("template")};
  out.policy = value.get_string("policy");
  out.sets_policy = value.get_bool("setsPolicy");
  if (value.find("protection")) out.protection = value.get_bool("protection");
  out.continues = value.get_bool("continues");
  return out;
}

protocol::PlanResult plan(State& state, const protocol::PlanRequest& request,
                          protocol::CallContext& context) {
  protocol::PlanRequest stacks = request;
  std::erase_if(stacks.remove, [](const ResourceId& id) { return is_content(id); });
  auto result = StackPlanner(state, stacks, context).run();
  const bool any = stacks.remove.size() < request.remove.size() ||
                   std::any_of(request.upsert.begin(), request.upsert.end(),
                               [](const auto& resource) { return is_content(resource.id); });
  if (any && result.problems.empty()) plan_contents(state, request, context, result);
  return result;
}

void discard(State& state, const std::string& token, const Cancelled& cancelled) {
  const Value left = parse_json(token);
  for (const Value& made : left.as_array()) {
    CloudFormation& there = state.cloudformation(made.get_string("region"));
    try {
      there.delete_change_set(made.get_string("changeSet"), cancelled);
    } catch (const ApiError& error) {
      if (error.code() != "ChangeSetNotFound") throw;
    }
    const std::string id = made.get_string("stack");
    if (id.empty()) continue;
    const auto stack = there.stack(id, cancelled);
    if (stack && phase_of(stack->status) == StackPhase::review)
      there.delete_stack(id, token_of("discard", id), cancelled);
  }
}

}  // namespace gitopsd::aws
