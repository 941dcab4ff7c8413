#include "providers/aws/cloudformation.h"

#include <algorithm>
#include <thread>

namespace gitopsd::aws {
namespace {

using namespace std::chrono_literals;

constexpr auto kFirstLook = 50ms, kSlowestLook = 2000ms;
constexpr auto kDeletionTakes = 30s;
constexpr int kMostPages = 1000;
constexpr std::size_t kMostFindings = 100;

void add_pairs(Fields& out, const std::string& list, const std::string& key, const std::string& value,
               const Texts& texts) {
  int number = 0;
  for (const auto& [name, text] : texts) {
    const std::string at = list + ".member." + std::to_string(++number) + ".";
    out.emplace_back(at + key, name);
    out.emplace_back(at + value, text);
  }
}

void add_list(Fields& out, const std::string& list, const std::vector<std::string>& texts) {
  for (std::size_t i = 0; i < texts.size(); ++i)
    out.emplace_back(list + ".member." + std::to_string(i + 1), texts[i]);
}

Texts pairs(const Value& in, std::string_view list, std::string_view key, std::string_view value) {
  Texts out;
  for (const Value& item : in.get_array(list)) out[item.get_string(key)] = item.get_string(value);
  return out;
}

/// Of a list of texts.
std::vector<std::string> texts_of(const Value& in, std::string_view list) {
  std::vector<std::string> out;
  for (const Value& item : in.get_array(list))
    if (item.is_string()) out.push_back(item.as_string());
  return out;
}

StackFacts stack_of(const Value& in) {
  StackFacts out;
  out.id = in.get_string("StackId");
  out.name = in.get_string("StackName");
  out.status = in.get_string("StackStatus");
  out.status_reason = in.get_string("StackStatusReason");
  out.updated = in.get_string("LastUpdatedTime", in.get_string("CreationTime"));
  out.role = in.get_string("RoleARN");
  out.parameters = pairs(in, "Parameters", "ParameterKey", "ParameterValue");
  out.tags = pairs(in, "Tags", "Key", "Value");
  out.outputs = pairs(in, "Outputs", "OutputKey", "OutputValue");
  out.notifications = texts_of(in, "NotificationARNs");
  std::sort(out.notifications.begin(), out.notifications.end());  // their order means nothing
  out.protection = in.get_string("EnableTerminationProtection") == "true";
  if (const Value* drift = in.find("DriftInformation")) {
    out.drift = drift->get_string("StackDriftStatus");
    out.drift_checked = drift->get_string("LastCheckTimestamp");
  }
  return out;
}

PropertyChange property_of(const Value& detail) {
  PropertyChange out;
  if (const Value* target = detail.find("Target")) {
    const std::string attribute = target->get_string("Attribute");
    out.name = target->get_string("Name");
    if (attribute != "Properties") out.name = attribute + (out.name.empty() ? "" : "." + out.name);
    out.before = target->get_string("BeforeValue");
    out.after = target->get_string("AfterValue");
    out.recreation = target->get_string("RequiresRecreation");
  }
  out.cause = detail.get_string("CausingEntity");
  return out;
}

ResourceChange change_of(const Value& change) {
  ResourceChange out;
  out.action = change.get_string("Action");
  out.logical_id = change.get_string("LogicalResourceId");
  out.type = change.get_string("ResourceType");
  out.physical_id = change.get_string("PhysicalResourceId");
  out.replacement = change.get_string("Replacement");
  out.policy_action = change.get_string("PolicyAction");
  for (const Value& detail : change.get_array("Details")) out.properties.push_back(property_of(detail));
  out.nested = change.get_string("ChangeSetId");
  out.drift = change.get_string("ResourceDriftStatus");
  return out;
}

bool says_no_change(std::string_view text) {
  return text.find("didn't contain changes") != text.npos ||
         text.find("No updates are to be performed") != text.npos;
}

StackEvent event_of(const Value& in) {
  StackEvent out;
  out.resource = in.get_string("LogicalResourceId");
  out.type = in.get_string("ResourceType");
  out.status = in.get_string("ResourceStatus");
  out.reason = in.get_string("ResourceStatusReason");
  out.token = in.get_string("ClientRequestToken");
  out.of_stack = out.type == kNestedStack && out.resource == in.get_string("StackName");
  out.physical_id = in.get_string("PhysicalResourceId");
  out.hook = in.get_string("HookType");
  if (in.get_string("HookStatus").ends_with("_FAILED") && in.get_string("HookFailureMode") != "WARN")
    out.hook_reason = in.get_string("HookStatusReason");
  return out;
}

std::string first_of(const Value& in, std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (auto text = in.get_string(name); !text.empty()) return text;
  return {};
}

/// Of API_OperationEvent; nullopt for what is no failure.
std::optional<ChangeSetFinding> finding_of(const Value& in) {
  if (!in.get_string("EventType").ends_with("_ERROR")) return std::nullopt;
  if (first_of(in, {"ValidationFailureMode", "HookFailureMode"}) == "WARN") return std::nullopt;
  ChangeSetFinding out;
  out.resource = in.get_string("LogicalResourceId");
  out.type = in.get_string("ResourceType");
  out.check = first_of(in, {"ValidationName", "HookType"});
  out.pointer = in.get_string("ValidationPath");
  out.reason = first_of(in, {"ValidationStatusReason", "HookStatusReason", "ResourceStatusReason"});
  if (out.reason.empty()) return std::nullopt;
  return out;
}

/// Where an operation begins. A rollback is part of the one that failed.
bool begins(const StackEvent& event) {
  return event.of_stack && (event.status == "CREATE_IN_PROGRESS" || event.status == "UPDATE_IN_PROGRESS" ||
                            event.status == "DELETE_IN_PROGRESS" || event.status == "IMPORT_IN_PROGRESS");
}

ResourceDrift drift_of(const Value& in) {
  ResourceDrift out;
  out.logical_id = in.get_string("LogicalResourceId");
  out.type = in.get_string("ResourceType");
  out.physical_id = in.get_string("PhysicalResourceId");
  out.status = in.get_string("StackResourceDriftStatus");
  for (const Value& one : in.get_array("PropertyDifferences"))
    out.differences.push_back(
        {one.get_string("PropertyPath"), one.get_string("ExpectedValue"), one.get_string("ActualValue")});
  return out;
}

}  // namespace

StackPhase phase_of(const std::string& status) {
  if (status == "REVIEW_IN_PROGRESS") return StackPhase::review;
  if (status.ends_with("_IN_PROGRESS")) return StackPhase::busy;
  if (status == "ROLLBACK_COMPLETE") return StackPhase::stillborn;
  if (status == "UPDATE_ROLLBACK_FAILED") return StackPhase::stuck;
  if (status == "CREATE_FAILED" || status == "UPDATE_FAILED") return StackPhase::halted;
  if (status.ends_with("_FAILED")) return StackPhase::broken;
  return status.ends_with("ROLLBACK_COMPLETE") ? StackPhase::rolled_back : StackPhase::well;
}

bool is_busy(const ApiError& error) {
  if (error.code() != "ValidationError") return false;
  const auto status = error.said().find("while in status ");  // of a deletion
  return error.said().find("_IN_PROGRESS state") != std::string::npos ||
         (status != std::string::npos && error.said().find("_IN_PROGRESS", status) != std::string::npos);
}

bool is_unknown(const ApiError& error) {
  return error.code() == "ValidationError" && error.said().find("does not exist") != std::string::npos;
}

bool is_repeated(const ApiError& error) {
  return error.code() == "TokenAlreadyExistsException";
}

bool ResourceChange::replaces() const {
  return replacement == "True" || replacement == "Conditional" || policy_action.starts_with("Replace");
}

bool ResourceChange::hides() const {
  return nested.empty() && (action == "Dynamic" || (type == kNestedStack && action == "Modify"));
}

bool ResourceChange::deletes() const {
  return action == "Remove" && policy_action != "Retain";
}

bool ChangeSet::empty() const {
  return status == "FAILED" && says_no_change(reason);
}

std::optional<StackFacts> CloudFormation::stack(const std::string& name, const Cancelled& cancelled) {
  try {
    const Value found = call("DescribeStacks", {{"StackName", name}}, cancelled);
    const auto& all = found.get_array("Stacks");
    if (all.empty()) return std::nullopt;
    auto facts = stack_of(all.front());
    if (facts.status == "DELETE_COMPLETE") return std::nullopt;
    return facts;
  } catch (const ApiError& error) {
    if (is_unknown(error)) return std::nullopt;
    throw;
  }
}

void CloudFormation::each_page(const std::string& action, const Fields& parameters,
                               const Cancelled& cancelled, const std::function<bool(const Value&)>& take) {
  std::string next;
  for (int page = 0; page < kMostPages; ++page) {
    Fields asked = parameters;
    if (!next.empty()) asked.emplace_back("NextToken", next);
    const Value found = call(action, asked, cancelled);
    next = found.get_string("NextToken");
    if (!take(found) || next.empty()) return;
  }
  throw fail(ProblemCause::destination, "cloudformation:" + action + " never ends");
}

std::vector<StackFacts> CloudFormation::stacks(const Cancelled& cancelled) {
  std::vector<StackFacts> out;
  each_page("DescribeStacks", {}, cancelled, [&](const Value& found) {
    for (const Value& stack : found.get_array("Stacks")) out.push_back(stack_of(stack));
    return true;
  });
  return out;
}

std::string CloudFormation::template_of(const std::string& stack, const Cancelled& cancelled) {
  const Value found = call("GetTemplate", {{"StackName", stack}, {"TemplateStage", "Original"}}, cancelled);
  return found.get_string("TemplateBody");
}

std::optional<ChangeSetName> CloudFormation::create_change_set(const NewChangeSet& wanted,
                                                               const Cancelled& cancelled) {
  Fields parameters{{"StackName", wanted.stack},
                    {"ChangeSetName", wanted.name},
                    {"ChangeSetType", wanted.creates ? "CREATE" : "UPDATE"},
                    wanted.template_url.empty() ? Fields::value_type{"TemplateBody", wanted.template_body}
                                                : Fields::value_type{"TemplateURL", wanted.template_url}};
  if (!wanted.token.empty()) parameters.emplace_back("ClientToken", wanted.token);
  if (!wanted.role.empty()) parameters.emplace_back("RoleARN", wanted.role);
  add_pairs(parameters, "Parameters", "ParameterKey", "ParameterValue", wanted.parameters);
  add_pairs(parameters, "Tags", "Key", "Value", wanted.tags);
  add_list(parameters, "Capabilities", wanted.capabilities);
  if (wanted.notifications) add_list(parameters, "NotificationARNs", *wanted.notifications);
  if (wanted.notifications && wanted.notifications->empty())
    parameters.emplace_back("NotificationARNs", "");  // takes all away
  if (!wanted.on_failure.empty()) parameters.emplace_back("OnStackFailure", wanted.on_failure);
  if (wanted.imports) parameters.emplace_back("ImportExistingResources", "true");
  if (wanted.with_nested) parameters.emplace_back("IncludeNestedStacks", "true");
  if (wanted.reverts_drift) parameters.emplace_back("DeploymentMode", "REVERT_DRIFT");
  try {
    const Value made = call("CreateChangeSet", parameters, cancelled);
    return ChangeSetName{made.get_string("Id"), made.get_string("StackId")};
  } catch (const ApiError& error) {
    if (says_no_change(error.said())) return std::nullopt;
    throw;
  }
}

ChangeSet CloudFormation::change_set(const std::string& id, const Cancelled& cancelled) {
  ChangeSet out;
  const Fields parameters{{"ChangeSetName", id}, {"IncludePropertyValues", "true"}};
  each_page("DescribeChangeSet", parameters, cancelled, [&](const Value& found) {
    out.id = found.get_string("ChangeSetId", id);
    out.stack_id = found.get_string("StackId");
    out.status = found.get_string("Status");
    out.reason = found.get_string("StatusReason");
    for (const Value& change : found.get_array("Changes"))
      if (const Value* resource = change.find("ResourceChange")) out.changes.push_back(change_of(*resource));
    return true;
  });
  return out;
}

ChangeSet CloudFormation::finished_change_set(const std::string& id, Deadline deadline,
                                              const Cancelled& cancelled) {
  for (std::chrono::milliseconds pause = kFirstLook;; pause = std::min(pause * 2, kSlowestLook)) {
    auto found = change_set(id, cancelled);
    if (found.status == "CREATE_COMPLETE" || found.status == "FAILED") return found;
    if (found.status.starts_with("DELETE_"))
      throw fail(ProblemCause::transient,
                 "the change set is in " + found.status + ": somebody deletes it (" + id + ")");
    if ((cancelled && cancelled()) || Monotonic::now() + pause > deadline)
      throw fail(ProblemCause::transient, "CloudFormation has not made the change set in time (" + id + ")");
    std::this_thread::sleep_for(pause);
  }
}

std::vector<ChangeSetFinding> CloudFormation::findings(const std::string& change_set,
                                                       const Cancelled& cancelled) {
  std::vector<ChangeSetFinding> out;
  const Fields parameters{{"ChangeSetName", change_set}, {"Filters.FailedEvents", "true"}};
  each_page("DescribeEvents", parameters, cancelled, [&](const Value& found) {
    for (const Value& event : found.get_array("OperationEvents"))
      if (auto one = finding_of(event)) out.push_back(*std::move(one));
    return out.size() < kMostFindings;
  });
  return out;
}

void CloudFormation::delete_change_set(const std::string& id, const Cancelled& cancelled) {
  call("DeleteChangeSet", {{"ChangeSetName", id}}, cancelled);
}

void CloudFormation::delete_with_nested(const std::string& id, const Cancelled& cancelled) {
  delete_change_set(id, cancelled);
  const auto until = Monotonic::now() + kDeletionTakes;
  for (std::chrono::milliseconds pause = kFirstLook; Monotonic::now() < until && !(cancelled && cancelled());
       pause = std::min(pause * 2, kSlowestLook)) {
    try {
      const auto left = change_set(id, cancelled);
      if (left.status == "DELETE_COMPLETE") return;
      if (left.status == "DELETE_FAILED")
        throw fail(ProblemCause::destination, "the change set " + id + " is not deleted: " + left.reason);
    } catch (const ApiError& error) {
      if (error.code() == "ChangeSetNotFound" || is_unknown(error)) return;
      throw;
    }
    std::this_thread::sleep_for(pause);
  }
}

bool CloudFormation::has_change_sets(const std::string& stack, const Cancelled& cancelled) {
  bool any = false;
  each_page("ListChangeSets", {{"StackName", stack}}, cancelled, [&](const Value& found) {
    for (const Value& one : found.get_array("Summaries"))
      any = any || (one.get_string("StackId") == stack && one.get_string("Status").starts_with("CREATE_"));
    return !any;
  });
  return any;
}

void CloudFormation::execute_change_set(const std::string& id, const std::string& token, bool keeps,
                                        const Cancelled& cancelled) {
  Fields parameters{{"ChangeSetName", id}, {"ClientRequestToken", token}};
  if (keeps) parameters.emplace_back("DisableRollback", "true");
  call("ExecuteChangeSet", parameters, cancelled);
}

void CloudFormation::delete_stack(const std::string& id, const std::string& token,
                                  const Cancelled& cancelled) {
  call("DeleteStack", {{"StackName", id}, {"ClientRequestToken", token}}, cancelled);
}

void CloudFormation::continue_rollback(const std::string& id, const std::vector<std::string>& skip,
                                       const std::string& role, const std::string& token,
                                       const Cancelled& cancelled) {
  Fields parameters{{"StackName", id}, {"ClientRequestToken", token}};
  if (!role.empty()) parameters.emplace_back("RoleARN", role);
  add_list(parameters, "ResourcesToSkip", skip);
  call("ContinueUpdateRollback", parameters, cancelled);
}

void CloudFormation::protect(const std::string& id, bool on, const Cancelled& cancelled) {
  call("UpdateTerminationProtection",
       {{"StackName", id}, {"EnableTerminationProtection", on ? "true" : "false"}}, cancelled);
}

void CloudFormation::set_policy(const std::string& id, const std::string& policy,
                                const Cancelled& cancelled) {
  call("SetStackPolicy", {{"StackName", id}, {"StackPolicyBody", policy}}, cancelled);
}

std::vector<StackEvent> CloudFormation::events(const std::string& stack, const std::string& token,
                                               const Cancelled& cancelled) {
  std::vector<StackEvent> out;
  std::optional<std::string> wanted;
  if (!token.empty()) wanted = token;
  each_page("DescribeStackEvents", {{"StackName", stack}}, cancelled, [&](const Value& found) {
    for (const Value& one : found.get_array("StackEvents")) {
      auto event = event_of(one);
      if (!event.hook.empty() && event.token.empty()) {  // it may have none in the midst of an operation
        if (!out.empty() || token.empty()) out.push_back(std::move(event));
        continue;
      }
      if (!wanted) wanted = event.token;
      if (event.token != *wanted) {
        if (out.empty()) continue;
        return false;  // of the operation before
      }
      const bool first = begins(event);
      out.push_back(std::move(event));
      if (first) return false;
    }
    return true;
  });
  return out;
}

std::vector<StackEvent> CloudFormation::events_since(const std::string& stack, const std::string& kind,
                                                     const Cancelled& cancelled) {
  std::vector<StackEvent> out;
  each_page("DescribeStackEvents", {{"StackName", stack}}, cancelled, [&](const Value& found) {
    for (const Value& one : found.get_array("StackEvents")) {
      out.push_back(event_of(one));
      if (out.back().of_stack && out.back().status == kind + "_IN_PROGRESS") return false;
    }
    return true;
  });
  return out;
}

std::vector<StackResource> CloudFormation::resources(const std::string& stack, const Cancelled& cancelled) {
  std::vector<StackResource> out;
  each_page("ListStackResources", {{"StackName", stack}}, cancelled, [&](const Value& found) {
    for (const Value& one : found.get_array("StackResourceSummaries")) {
      if (one.get_string("LogicalResourceId").empty()) continue;
      if (one.get_string("ResourceStatus") == "DELETE_COMPLETE") continue;
      const Value* drift = one.find("DriftInformation");
      out.push_back({one.get_string("LogicalResourceId"), one.get_string("ResourceType"),
                     one.get_string("PhysicalResourceId"),
                     drift ? drift->get_string("StackResourceDriftStatus") : std::string()});
    }
    return true;
  });
  return out;
}

std::string CloudFormation::detect_drift(const std::string& stack, const Cancelled& cancelled) {
  return call("DetectStackDrift", {{"StackName", stack}}, cancelled).get_string("StackDriftDetectionId");
}

DriftDetectionStatus CloudFormation::drift_detection(const std::string& id, const Cancelled& cancelled) {
  const Value found = call("DescribeStackDriftDetectionStatus", {{"StackDriftDetectionId", id}}, cancelled);
  return {found.get_string("DetectionStatus"), found.get_string("DetectionStatusReason"),
          found.get_string("StackDriftStatus")};
}

std::vector<ResourceDrift> CloudFormation::drifts(const std::string& stack, const Cancelled& cancelled) {
  Fields parameters{{"StackName", stack}};
  add_list(parameters, "StackResourceDriftStatusFilters", {"MODIFIED", "DELETED"});
  std::vector<ResourceDrift> out;
  each_page("DescribeStackResourceDrifts", parameters, cancelled, [&](const Value& found) {
    for (const Value& one : found.get_array("StackResourceDrifts")) out.push_back(drift_of(one));
    return true;
  });
  return out;
}

}  // namespace gitopsd::aws
