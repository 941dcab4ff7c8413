#include <algorithm>
#include <map>

#include "base/json.h"
#include "providers/aws/change_text.h"
#include "providers/aws/changes.h"
#include "providers/aws/content_verbs.h"
#include "providers/aws/order.h"
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

/// The steps and problems of one stack.
struct Planned {
  std::optional<Step> step;
  std::vector<WireProblem> problems;
  Value made;  ///< {changeSet, stack: that is there for nothing else}
};

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
    look_at_many();
    const std::size_t upserts = wanted_.size(), all = upserts + request_.remove.size();
    planned_.resize(all);
    const int last = levels_.empty() ? 0 : *std::max_element(levels_.begin(), levels_.end()) + 1;
    protocol::run_in_order(requirements(all), kCallsAtOnce, [&](std::size_t i) {
      const ResourceId id = i < upserts ? id_of(wanted_[i].name) : request_.remove[i - upserts];
      try {
        planned_[i] = i < upserts ? upsert(wanted_[i]) : removal(id);
        if (auto& step = planned_[i].step) step->wave = i < upserts ? levels_[i] : last;
      } catch (const Failure& failure) {
        planned_[i].problems.push_back(problem_of(failure, id, i < upserts ? wanted_[i].document : ""));
      }
    });
    Value made = Value::array();
    for (auto& one : planned_) {
      if (one.step) result.steps.push_back(std::move(*one.step));
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
    for (const auto& document : request_.documents) {
      const auto resource = upserts.find(document.digest);
      if (resource == upserts.end() || is_content(document)) continue;
      auto stack = read_stack(document, Value(), policy_.only_stack(), problems);
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

  void look_at_many() {
    if (wanted_.size() + request_.remove.size() < kManyStacks) return;
    seen_.emplace();
    for (auto& stack : state_.cloudformation.stacks(context_.cancelled)) seen_->emplace(stack.name, stack);
  }

  std::optional<StackFacts> look(const std::string& name) {
    if (!seen_) return state_.cloudformation.stack(name, context_.cancelled);
    const auto found = seen_->find(name);
    return found == seen_->end() ? std::nullopt : std::optional(found->second);
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

  /// Whether nobody has touched it since we left it, as this document wants it.
  bool is_as_applied(const StackFacts& live, const Stack& wanted) const {
    const auto entry = entries_.find(id_of(wanted.name));
    if (entry == entries_.end() || !entry->second->owned || !entry->second->from.empty()) return false;
    const auto receipt = Receipt::parse(entry->second->owned->receipt);
    return receipt && entry->second->owned->digest == wanted.document && receipt->stack == live.id &&
           phase_of(live.status) == StackPhase::well && receipt->updated == live.updated;
  }

  Planned upsert(const Stack& wanted) {
    Planned out;
    const ResourceId id = id_of(wanted.name);
    const auto live = look(wanted.name);
    if (live) {
      if (auto problem = others(*live, wanted)) return out.problems.push_back(*std::move(problem)), out;
      if (is_as_applied(*live, wanted))
        return out.step = with_digest(step_for(id, Action::none, ""), wanted), out;
      if (auto problem = in_the_way(*live, wanted)) return out.problems.push_back(*std::move(problem)), out;
      if (phase_of(live->status) == StackPhase::stillborn) {
        auto step = step_for(id, Action::replace,
                             "its creation failed: what is left is deleted, and it is made anew");
        step.precondition = Precondition{"", live->id, ""}.text();
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
    auto parameters = parameters_of(wanted, [this](const std::string& name) { return look(name); });
    const auto changes =
        make_changes(state_, context_, wanted, std::move(parameters), request_.owner, live, request_.sync);
    if (!changes.set) {
      auto step = step_for(id, ours ? Action::none : Action::adopt,
                           ours ? "CloudFormation sees no change" : "it is as declared, and becomes ours");
      step.precondition = Precondition{"", live ? live->id : "", changes.template_digest}.text();
      return out.step = with_digest(std::move(step), wanted), out;
    }
    const ChangeSet& set = *changes.set;
    out.made = Value::object({{"changeSet", set.id}});
    if (creates) out.made.set("stack", set.stack_id);
    auto step = step_for(id, action, change_summary(set));
    step.precondition = Precondition{set.id, set.stack_id, changes.template_digest}.text();
    step.diff = change_text(set);
    step.destroys = destroys(set);
    step.from = from_of(id);
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
      case StackPhase::busy:
        return problem_of(fail(ProblemCause::transient, "an operation on the stack '" + wanted.name +
                                                            "' is under way: " + live.status),
                          id, wanted.document);
      case StackPhase::broken:
        return problem_of(fail(ProblemCause::destination,
                               "the stack '" + wanted.name + "' is in " + live.status +
                                   (live.status_reason.empty() ? "" : ": " + live.status_reason),
                               "continue its rollback or delete it in CloudFormation"),
                          id, wanted.document);
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
    const std::string reason = !live  ? "it is gone already"
                               : ours ? "it is no longer declared"
                                      : "it is not ours any more, and stays";
    auto step = step_for(id, Action::remove, reason);
    step.precondition = Precondition{"", ours ? live->id : "", ""}.text();
    step.destroys = ours ? protocol::Destroys::data : protocol::Destroys::nothing;
    step.from = from_of(id);
    out.step = std::move(step);
    return out;
  }

  State& state_;
  const protocol::PlanRequest& request_;
  protocol::CallContext& context_;
  Policy policy_;
  std::vector<Stack> wanted_;     ///< in the order in which they may be made
  std::vector<int> levels_;       ///< of `wanted_`
  std::vector<Planned> planned_;  ///< first those wanted, then the removals
  std::map<ResourceId, const protocol::Entry*> entries_;
  std::optional<std::map<std::string, StackFacts>> seen_;  ///< by name, where many were asked for at once
};

}  // namespace

std::string Precondition::text() const {
  return to_json(Value::object({{"changeSet", change_set}, {"stack", stack}, {"template", template_}}));
}

Precondition Precondition::parse(const std::string& text) {
  const Value value = parse_json(text);
  return {value.get_string("changeSet"), value.get_string("stack"), value.get_string("template")};
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
    try {
      state.cloudformation.delete_change_set(made.get_string("changeSet"), cancelled);
    } catch (const ApiError& error) {
      if (error.code() != "ChangeSetNotFound") throw;
    }
    const std::string id = made.get_string("stack");
    if (id.empty()) continue;
    const auto stack = state.cloudformation.stack(id, cancelled);
    if (stack && phase_of(stack->status) == StackPhase::review)
      state.cloudformation.delete_stack(id, token_of("discard", id), cancelled);
  }
}

}  // namespace gitopsd::aws
