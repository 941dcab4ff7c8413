#include <algorithm>
#include <map>

#include "base/json.h"
#include "providers/aws/changes.h"
#include "providers/aws/content_verbs.h"
#include "providers/aws/order.h"
#include "providers/aws/stack_planner.h"
#include "providers/aws/template_tree.h"
#include "providers/protocol/schedule.h"

namespace gitopsd::aws {
namespace {

using protocol::Action;
using protocol::Step;
using protocol::WireProblem;

/// From here on one page of all is cheaper than each by itself.
constexpr std::size_t kManyStacks = 8;
/// Of somebody else: nothing tells when it ends.
constexpr int kLooksAgainWithin = 15;

}  // namespace

PlannedStack PlannedStack::of(Step step) {
  PlannedStack out;
  out.step = std::move(step);
  return out;
}

PlannedStack PlannedStack::of(WireProblem problem) {
  PlannedStack out;
  out.problems.push_back(std::move(problem));
  return out;
}

WireProblem plan_problem(const Failure& failure, const ResourceId& id, const std::string& document) {
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

protocol::PlanResult StackPlanner::run() {
  protocol::PlanResult result;
  policy_ = Policy::parse(request_.policy, result.problems);
  read_documents(result.problems);
  if (!result.problems.empty()) return result;
  state_.check_account(context_.cancelled);
  looks_.emplace(state_, places(), kManyStacks, context_.cancelled);
  planned_.resize(wanted_.size() + remove_.size());
  leaving_ = levels_of_removals();
  // Two waves for each level: what comes once a stack stands comes before those that need it.
  const int last = levels_.empty() ? 0 : 2 * (*std::max_element(levels_.begin(), levels_.end()) + 1);
  protocol::run_in_order(requirements(planned_.size()), kCallsAtOnce,
                         [&](std::size_t i) { plan_one(i, last); });
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

void StackPlanner::plan_one(std::size_t i, int last_wave) {
  const bool wanted = i < wanted_.size();
  const ResourceId id = wanted ? id_of(wanted_[i].name) : remove_[i - wanted_.size()];
  try {
    auto& one = planned_[i];
    one = wanted ? upsert(wanted_[i]) : removal(id);
    if (one.step) one.step->wave = wanted ? 2 * levels_[i] : last_wave + leaving_[i - wanted_.size()];
    if (one.after) one.after->wave = 2 * levels_[i] + 1;
  } catch (const Failure& failure) {
    planned_[i].problems.push_back(plan_problem(failure, id, wanted ? wanted_[i].document : ""));
  }
}

void StackPlanner::read_documents(std::vector<WireProblem>& problems) {
  std::map<std::string_view, const protocol::Resource*> upserts;
  for (const auto& resource : request_.upsert) upserts.emplace(resource.document, &resource);
  const Value none;
  const Reading reading = reading_with(none, policy_, state_.client.settings().region);
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

/// Nobody declares any more what they require: their receipts tell.
std::vector<int> StackPlanner::levels_of_removals() const {
  std::vector<std::string> names;
  std::vector<std::vector<std::string>> required;
  for (const auto& id : remove_) {
    const auto entry = entries_.find(id);
    const bool owned = entry != entries_.end() && entry->second->owned;
    const auto receipt = owned ? Receipt::parse(entry->second->owned->receipt) : std::nullopt;
    names.push_back(name_of(id));
    required.push_back(receipt ? receipt->requires_ : std::vector<std::string>());
  }
  return levels_of_leaving(names, required);
}

/// What has to be planned before: it decides whether outputs are known.
std::vector<std::vector<std::size_t>> StackPlanner::requirements(std::size_t all) const {
  std::vector<std::vector<std::size_t>> after(all);
  for (std::size_t i = 0; i < wanted_.size(); ++i)
    for (std::size_t before = 0; before < i; ++before)
      if (std::binary_search(wanted_[i].requires_.begin(), wanted_[i].requires_.end(), wanted_[before].name))
        after[i].push_back(before);
  return after;
}

std::vector<std::string> StackPlanner::places() const {
  std::vector<std::string> out;
  for (const auto& stack : wanted_) out.push_back(stack.name);
  for (const auto& id : remove_) out.push_back(name_of(id));
  return out;
}

CloudFormation& StackPlanner::there(const std::string& place) const {
  return state_.cloudformation(StackPlace::parse(place).region);
}

std::string StackPlanner::from_of(const ResourceId& id) const {
  const auto found = entries_.find(id);
  return found == entries_.end() ? std::string() : found->second->from;
}

Step StackPlanner::step_for(const ResourceId& id, Action action, std::string reason) const {
  Step step;
  step.id = id;
  step.action = action;
  step.key = std::string(to_string(action)) + " " + id.str();
  step.reason = std::move(reason);
  step.rerun = protocol::Rerun::safe;  // the request token and the change set let nothing happen twice
  step.from = from_of(id);
  return step;
}

Step StackPlanner::step_for(const Stack& wanted, Action action, std::string reason) const {
  auto step = step_for(id_of(wanted.name), action, std::move(reason));
  step.digest = wanted.document;
  return step;
}

/// Whose it is decides; nullopt: it is, or may become, the owner's.
std::optional<WireProblem> StackPlanner::others(const StackFacts& live, const Stack& wanted) const {
  const auto owner = owner_of(live.tags);
  if (!owner || stands_for(*owner, request_.owner, from_of(id_of(wanted.name)))) return std::nullopt;
  const bool here = owner->installation == request_.owner.installation;
  auto problem =
      plan_problem(fail(ProblemCause::conflict,
                        "the stack '" + wanted.name + "' belongs to application '" + owner->application +
                            "'" + (here ? "" : " of another installation ('" + owner->installation + "')"),
                        "declare it in one place only, or give this one another name"),
                   id_of(wanted.name), wanted.document);
  problem.pointer = "/metadata/name";
  if (here) problem.owner = owner->application;
  return problem;
}

WireProblem under_way(const StackFacts& live, const ResourceId& id, const std::string& document) {
  auto problem = plan_problem(fail(ProblemCause::transient, "an operation on the stack '" + name_of(id) +
                                                                "' is under way: " + live.status),
                              id, document);
  problem.retry_after_seconds = kLooksAgainWithin;
  return problem;
}

std::optional<WireProblem> StackPlanner::in_the_way(const StackFacts& live, const Stack& wanted) const {
  const ResourceId id = id_of(wanted.name);
  const auto phase = phase_of(live.status);
  if (phase == StackPhase::busy) return under_way(live, id, wanted.document);
  if (phase != StackPhase::broken) return std::nullopt;
  const std::string cause = first_failure(state_, there(wanted.name), live.id, context_.cancelled);
  const std::string why = cause.empty() ? live.status_reason : cause;
  return plan_problem(
      fail(ProblemCause::destination,
           "the stack '" + wanted.name + "' is in " + live.status + (why.empty() ? "" : ": " + why),
           "delete it in CloudFormation, or mend it there"),
      id, wanted.document);
}

std::optional<Receipt> StackPlanner::receipt_of(const Stack& wanted) const {
  const auto entry = entries_.find(id_of(wanted.name));
  if (entry == entries_.end() || !entry->second->owned) return std::nullopt;
  return state_.first_looks.receipt(entry->second->owned->receipt);
}

/// Whether an output that a parameter takes is another than was applied, or nobody knows.
bool StackPlanner::takes_another(const Stack& wanted, const Receipt& receipt) const {
  if (wanted.from_outputs.empty()) return false;
  return receipt.taken.digest.empty() ||
         state_.is_another(receipt.taken, [this](const std::string& place) { return look(place); });
}

/// Whether nobody has touched it since we left it, as this document wants it.
bool StackPlanner::is_as_applied(const StackFacts& live, const Stack& wanted) const {
  const auto entry = entries_.find(id_of(wanted.name));
  if (entry == entries_.end() || !entry->second->owned || !entry->second->from.empty()) return false;
  const auto receipt = receipt_of(wanted);
  if (!receipt || entry->second->owned->digest != wanted.document || receipt->stack != live.id) return false;
  if (wanted.more.has_policy() && receipt->policy.empty()) return false;
  const auto wish = wanted.more.protection;
  if (wish && (receipt->protection != wish || live.protection != *wish)) return false;
  return phase_of(live.status) == StackPhase::well && receipt->updated == live.updated &&
         !takes_another(wanted, *receipt);
}

/// Whether this plan does something to the stack, or cannot tell.
bool StackPlanner::is_changing(const std::string& place) const {
  const auto found =
      std::find_if(wanted_.begin(), wanted_.end(), [&](const Stack& each) { return each.name == place; });
  if (found == wanted_.end()) return false;
  const auto& step = planned_[static_cast<std::size_t>(found - wanted_.begin())].step;
  return !step || step->action != Action::none;
}

/// A stack that this plan changes first, and of which it takes an output, or may import what that exports:
/// there is no change set before the export is there.
std::string StackPlanner::changing_before(const Stack& wanted) const {
  for (const auto& output : wanted.from_outputs)
    if (is_changing(output.second.stack)) return output.second.stack;
  const auto first = std::find_if(wanted.requires_.begin(), wanted.requires_.end(),
                                  [this](const std::string& place) { return is_changing(place); });
  if (first == wanted.requires_.end() || !wanted.template_) return {};
  const auto text = context_.blobs.read(*wanted.template_, kLargestTemplate);
  return text.find("ImportValue") == text.npos ? std::string() : *first;
}

Texts StackPlanner::parameters(const Stack& wanted) const {
  return parameters_of(wanted, request_.owner, [this](const std::string& place) { return look(place); });
}

std::string StackPlanner::taken(const Stack& wanted, const Texts& parameters) const {
  OutputValues values;
  for (const auto& [parameter, from] : wanted.from_outputs)
    values[from.stack][from.output] = parameters.at(parameter);
  return values.empty() ? std::string() : state_.digests.of_outputs(values);
}

std::string Precondition::text() const {
  Value out = Value::object({{"changeSet", change_set}, {"stack", stack}, {"template", template_}});
  if (!policy.empty()) out.set("policy", policy);
  if (sets_policy) out.set("setsPolicy", true);
  if (protection) out.set("protection", *protection);
  if (continues) out.set("continues", true);
  if (keeps) out.set("keeps", true);
  if (!updated.empty()) out.set("updated", updated);
  if (!taken.empty()) out.set("taken", taken);
  return to_json(out);
}

Precondition Precondition::parse(const std::string& text) {
  const Value value = parse_json(text);
  Precondition out{value.get_string("changeSet"), value.get_string("stack"), value.get_string("template")};
  out.policy = value.get_string("policy");
  out.sets_policy = value.get_bool("setsPolicy");
  if (value.find("protection")) out.protection = value.get_bool("protection");
  out.continues = value.get_bool("continues");
  out.keeps = value.get_bool("keeps");
  out.updated = value.get_string("updated");
  out.taken = value.get_string("taken");
  return out;
}

protocol::PlanResult plan(State& state, const protocol::PlanRequest& request,
                          protocol::CallContext& context) {
  auto result = StackPlanner(state, request, context).run();
  const bool any = std::any_of(request.remove.begin(), request.remove.end(),
                               [](const ResourceId& id) { return is_content(id); }) ||
                   std::any_of(request.upsert.begin(), request.upsert.end(),
                               [](const auto& resource) { return is_content(resource.id); });
  if (any && result.problems.empty()) plan_contents(state, request, context, result);
  return result;
}

void discard(State& state, const std::string& token, const Cancelled& cancelled) {
  const Value left = parse_json(token);
  const auto& all = left.as_array();
  std::vector<std::optional<Failure>> failures(all.size());
  protocol::run_in_order(std::vector<std::vector<std::size_t>>(all.size()), kCallsAtOnce, [&](std::size_t i) {
    try {
      throw_away(state.cloudformation(all[i].get_string("region")),
                 {all[i].get_string("changeSet"), all[i].get_string("stack")}, all[i].get_bool("nested"),
                 cancelled);
    } catch (const Failure& failure) {
      failures[i] = failure;
    }
  });
  for (const auto& failure : failures)
    if (failure) throw *failure;
}

}  // namespace gitopsd::aws
