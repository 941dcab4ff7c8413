#include "providers/aws/stack_options.h"

#include <algorithm>
#include <map>

#include "base/json.h"

namespace gitopsd::aws {
namespace {

using protocol::SpecReader;
using protocol::WireProblem;

constexpr std::size_t kMostTopics = 5;  // of CreateChangeSet
const std::map<std::string, std::string> kOnFailure{
    {"rollback", "ROLLBACK"}, {"delete", "DELETE"}, {"keep", "DO_NOTHING"}};

std::optional<bool> read_switch(SpecReader& spec, const std::string& key) {
  return spec.has(key) ? std::optional(spec.flag(key, false)) : std::nullopt;
}

void read_notifications(SpecReader& spec, StackOptions& out) {
  if (!spec.has("notifications")) return;
  out.notifications = spec.texts("notifications", "topics' ARNs");
  if (out.notifications->size() > kMostTopics)
    spec.problem("notifications", "a stack has at most " + std::to_string(kMostTopics) + " topics");
  for (const auto& arn : *out.notifications)
    if (!arn.starts_with("arn:"))
      spec.problem("notifications", "'" + arn + "' is no ARN of a topic",
                   "write it like arn:aws:sns:eu-central-1:123456789012:NAME");
}

void read_on_failure(SpecReader& spec, StackOptions& out) {
  const auto word = spec.text("onFailure");
  if (!word) return;
  if (const auto found = kOnFailure.find(*word); found != kOnFailure.end())
    out.on_failure = found->second;
  else
    spec.problem("onFailure", "'" + *word + "' is no value of onFailure", "use rollback, delete or keep");
}

void read_allow(SpecReader& spec, const protocol::Document& document, StackOptions& out,
                std::vector<WireProblem>& problems) {
  const Value* allow = spec.member("allow");
  if (!allow) return;
  SpecReader reader(allow, "/spec/allow", document.digest, problems);
  reader.allow({"replace", "delete"});
  out.may_replace = reader.texts("replace", "logical ids");
  out.may_delete = reader.texts("delete", "logical ids");
}

/// `stackPolicy: /policies/web.json`, or the policy itself.
void read_policy(SpecReader& spec, const protocol::Document& document, StackOptions& out) {
  const Value* policy = spec.member("stackPolicy");
  if (!policy) return;
  if (policy->is_string()) {
    out.policy_file = read_file_member(spec, "stackPolicy", document);
  } else if (!policy->is_object() || !policy->find("Statement")) {
    spec.problem("stackPolicy", "'stackPolicy' must be a stack policy or name a file that holds one",
                 "it is a mapping with `Statement`");
  } else {
    out.policy = to_json(*policy);
    if (out.policy.size() > kLargestStackPolicy)
      spec.problem("stackPolicy", "a stack policy has at most " + std::to_string(kLargestStackPolicy) +
                                      " bytes, and this " + std::to_string(out.policy.size()));
  }
}

}  // namespace

const std::vector<std::string>& option_names() {
  static const std::vector<std::string> names{
      "terminationProtection", "driftDetection", "notifications",  "onFailure",    "importExisting", "allow",
      "skipInRollback",        "stackPolicy",    "timeoutMinutes", "nestedChanges"};
  return names;
}

StackOptions read_stack_options(SpecReader& spec, const protocol::Document& document,
                                std::vector<WireProblem>& problems) {
  StackOptions out;
  out.protection = read_switch(spec, "terminationProtection");
  out.detects_drift = read_switch(spec, "driftDetection");
  out.imports = spec.flag("importExisting", false);
  out.shows_nested = spec.flag("nestedChanges", true);
  read_notifications(spec, out);
  read_on_failure(spec, out);
  read_allow(spec, document, out, problems);
  read_policy(spec, document, out);
  out.skip_in_rollback = spec.texts("skipInRollback", "logical ids");
  if (spec.has("timeoutMinutes"))
    spec.problem("timeoutMinutes", "a change set, which makes and changes stacks here, takes no time limit",
                 "let the application's `health_timeout` end the waiting");
  return out;
}

void add_option_schemas(Value& properties) {
  const Value text = Value::object({{"type", "string"}}), truth = Value::object({{"type", "boolean"}});
  const Value texts = Value::object({{"type", "array"}, {"items", text}});
  Value words = Value::array(), kinds = Value::array().push("string").push("object");
  for (const auto& [word, theirs] : kOnFailure) words.push(word);
  Value allow = Value::object({{"type", "object"}, {"additionalProperties", false}});
  allow.set("properties", Value::object({{"replace", texts}, {"delete", texts}}));
  properties.set("terminationProtection", truth)
      .set("driftDetection", truth)
      .set("notifications", texts)
      .set("onFailure", Value::object({{"enum", std::move(words)}}))
      .set("importExisting", truth)
      .set("nestedChanges", truth)
      .set("allow", std::move(allow))
      .set("skipInRollback", texts)
      .set("stackPolicy", Value::object({{"type", std::move(kinds)}}));
}

std::optional<RepositoryFile> read_file_member(SpecReader& in, const std::string& key,
                                               const protocol::Document& document, bool from_root) {
  auto path = in.needed_text(key);
  if (!path) return std::nullopt;
  if (path->empty() || path->ends_with('/')) {
    in.problem(key, "'" + key + "' must name a file of the repository",
               "relative to the application's path, or from the repository's root with a leading /");
    return std::nullopt;
  }
  if (from_root && !path->starts_with('/')) path->insert(0, "/");
  RepositoryFile file{*path};
  for (const auto& found : document.blobs) {
    if (found.path == *path) file.blob = found.blob;
    if (!found.path.starts_with(*path + "/")) continue;
    in.problem(key, "'" + *path + "' is a folder", "name one file");
    return std::nullopt;
  }
  return file;
}

}  // namespace gitopsd::aws
