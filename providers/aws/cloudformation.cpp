#include "providers/aws/cloudformation.h"

#include <algorithm>
#include <thread>

namespace gitopsd::aws {
namespace {

using namespace std::chrono_literals;

constexpr auto kFirstLook = 50ms, kSlowestLook = 2000ms;
constexpr int kMostPages = 1000;

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
  return out;
}

bool says_no_change(std::string_view text) {
  return text.find("didn't contain changes") != text.npos ||
         text.find("No updates are to be performed") != text.npos;
}

bool is_missing(const ApiError& error) {
  return error.code() == "ValidationError" && error.said().find("does not exist") != std::string::npos;
}

}  // namespace

StackPhase phase_of(const std::string& status) {
  if (status == "REVIEW_IN_PROGRESS") return StackPhase::review;
  if (status.ends_with("_IN_PROGRESS")) return StackPhase::busy;
  if (status == "ROLLBACK_COMPLETE") return StackPhase::stillborn;
  if (status.ends_with("_FAILED")) return StackPhase::broken;
  return status.ends_with("ROLLBACK_COMPLETE") ? StackPhase::rolled_back : StackPhase::well;
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
    if (is_missing(error)) return std::nullopt;
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
    if ((cancelled && cancelled()) || Monotonic::now() + pause > deadline)
      throw fail(ProblemCause::transient, "CloudFormation has not made the change set in time (" + id + ")");
    std::this_thread::sleep_for(pause);
  }
}

void CloudFormation::delete_change_set(const std::string& id, const Cancelled& cancelled) {
  call("DeleteChangeSet", {{"ChangeSetName", id}}, cancelled);
}

void CloudFormation::execute_change_set(const std::string& id, const std::string& token,
                                        const Cancelled& cancelled) {
  call("ExecuteChangeSet", {{"ChangeSetName", id}, {"ClientRequestToken", token}}, cancelled);
}

void CloudFormation::delete_stack(const std::string& id, const std::string& token,
                                  const Cancelled& cancelled) {
  call("DeleteStack", {{"StackName", id}, {"ClientRequestToken", token}}, cancelled);
}

std::vector<StackEvent> CloudFormation::events(const std::string& stack, const std::string& token,
                                               const Cancelled& cancelled) {
  std::vector<StackEvent> out;
  std::string wanted = token;
  each_page("DescribeStackEvents", {{"StackName", stack}}, cancelled, [&](const Value& found) {
    for (const Value& e : found.get_array("StackEvents")) {
      StackEvent event{e.get_string("LogicalResourceId"), e.get_string("ResourceType"),
                       e.get_string("ResourceStatus"), e.get_string("ResourceStatusReason"),
                       e.get_string("ClientRequestToken")};
      if (wanted.empty()) wanted = event.token;
      if (event.token == wanted)
        out.push_back(std::move(event));
      else if (!out.empty())
        return false;  // of the operation before
    }
    return true;
  });
  return out;
}

}  // namespace gitopsd::aws
