#include "providers/aws/policy.h"

#include <algorithm>

#include "providers/protocol/spec_reader.h"

namespace gitopsd::aws {
namespace {

using protocol::WireProblem;

bool allows(const std::vector<std::string>& patterns, std::string_view text) {
  return std::any_of(patterns.begin(), patterns.end(), [&](std::string_view pattern) {
    return pattern.ends_with('*') ? text.starts_with(pattern.substr(0, pattern.size() - 1)) : text == pattern;
  });
}

/// Everything of a bucket is `BUCKET` or `BUCKET/*`.
bool allows_place(const std::vector<std::string>& patterns, const std::string& bucket,
                  const std::string& prefix) {
  if (prefix.empty()) return allows(patterns, bucket) || allows(patterns, bucket + "/");
  return allows(patterns, bucket + "/" + prefix.substr(0, prefix.size() - 1)) ||
         allows(patterns, bucket + "/" + prefix);
}

std::vector<std::string> read_names(protocol::SpecReader& in, const std::string& key) {
  std::vector<std::string> out;
  const Value* list = in.member(key);
  if (!list) return out;
  for (const Value& item : list->is_array() ? list->as_array() : Value::Array{Value()}) {
    if (item.is_string() && !item.as_string().empty()) {
      out.push_back(item.as_string());
    } else {
      in.problem(key, "`" + key + "` has to be a list of names");
      return out;
    }
  }
  return out;
}

WireProblem breach(const Stack& stack, std::string pointer, std::string message, std::string hint) {
  WireProblem problem;
  problem.code = "policy";
  problem.cause = ProblemCause::permission;
  problem.message = std::move(message);
  problem.hint = std::move(hint);
  problem.document = stack.document;
  problem.pointer = std::move(pointer);
  problem.id = id_of(stack.name).str();
  return problem;
}

}  // namespace

std::string listed(const std::vector<std::string>& words) {
  std::string all;
  for (const auto& word : words) all += (all.empty() ? "" : ", ") + word;
  return all.empty() ? "none" : all;
}

Policy Policy::parse(const Value& value, std::vector<WireProblem>& problems) {
  Policy policy;
  if (value.is_null()) return policy;
  const std::string none;
  protocol::SpecReader in(&value, "", none, problems);
  in.allow({"stacks", "outputs", "capabilities", "roles", "buckets", "exclusive"});
  policy.stacks = read_names(in, "stacks");
  policy.outputs = read_names(in, "outputs");
  policy.capabilities = read_names(in, "capabilities");
  policy.roles = read_names(in, "roles");
  policy.buckets = read_names(in, "buckets");
  policy.exclusive = read_names(in, "exclusive");
  return policy;
}

bool Policy::allows_stack(const std::string& name) const {
  return allows(stacks, name);
}

bool Policy::allows_content(const std::string& bucket, const std::string& prefix) const {
  return allows_place(buckets, bucket, prefix);
}

bool Policy::allows_emptying(const std::string& bucket, const std::string& prefix) const {
  return allows_content(bucket, prefix) && allows_place(exclusive, bucket, prefix);
}

std::string Policy::only_stack() const {
  return stacks.size() == 1 && !stacks[0].ends_with('*') ? stacks[0] : std::string();
}

std::vector<WireProblem> breaches(const Policy& policy, const Stack& stack) {
  std::vector<WireProblem> out;
  if (!policy.allows_stack(stack.name))
    out.push_back(breach(stack, "/metadata/name", "the policy does not allow the stack '" + stack.name + "'",
                         "`stacks` allows: " + listed(policy.stacks)));
  for (const auto& [name, from] : stack.from_outputs)
    if (!policy.allows_stack(from.stack) && !allows(policy.outputs, from.stack))
      out.push_back(breach(stack, "/spec/parameters" + pointer_token(name),
                           "the policy does not allow outputs of the stack '" + from.stack + "'",
                           "`outputs` allows: " + listed(policy.outputs)));
  for (const auto& word : stack.capabilities)
    if (!allows(policy.capabilities, word))
      out.push_back(breach(stack, "/spec/capabilities", "the policy does not allow " + word,
                           "`capabilities` allows: " + listed(policy.capabilities)));
  if (!stack.role.empty() && !allows(policy.roles, stack.role))
    out.push_back(breach(stack, "/spec/role", "the policy does not allow the role " + stack.role,
                         "`roles` allows: " + listed(policy.roles)));
  return out;
}

}  // namespace gitopsd::aws
