#include "providers/aws/policy.h"

#include <algorithm>

#include "providers/aws/s3.h"
#include "providers/protocol/spec_reader.h"

namespace gitopsd::aws {
namespace {

using protocol::WireProblem;

bool allows(const std::vector<std::string>& patterns, std::string_view text) {
  return std::any_of(patterns.begin(), patterns.end(), [&](std::string_view pattern) {
    return pattern.ends_with('*') ? text.starts_with(pattern.substr(0, pattern.size() - 1)) : text == pattern;
  });
}

/// A place allows all that lies beneath it, too. `prefix` is empty or ends with a slash.
bool allows_place(const std::vector<std::string>& places, const std::string& bucket,
                  const std::string& prefix) {
  const std::string wanted = bucket + "/" + prefix;
  return std::any_of(places.begin(), places.end(), [&](std::string place) {
    if (place.ends_with('*')) {
      place.pop_back();
      return wanted.starts_with(place);
    }
    if (!place.ends_with('/')) place += '/';
    return wanted.starts_with(place);
  });
}

bool contains(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// `replace` and `delete`.
void read_losses(protocol::SpecReader& in, const std::string& key, bool& replaces, bool& removes) {
  const auto words = in.texts(key, "names");
  replaces = contains(words, "replace");
  removes = contains(words, "delete");
  for (const auto& word : words)
    if (word != "replace" && word != "delete")
      in.problem(key, "'" + word + "' is nothing that `" + key + "` knows", "use replace or delete");
}

/// `data: {types: ["AWS::EC2::NatGateway"], allow: [replace], declared: [replace, delete]}`
void read_data(protocol::SpecReader& in, DataPolicy& data, std::vector<WireProblem>& problems) {
  const Value* member = in.member("data");
  if (!member) return;
  const std::string none;
  protocol::SpecReader reader(member, "/data", none, problems);
  reader.allow({"types", "allow", "declared"});
  data.types = reader.texts("types", "names");
  read_losses(reader, "allow", data.replace, data.remove);
  read_losses(reader, "declared", data.declared_replace, data.declared_remove);
}

/// `true`, `false`, or seconds.
void read_drift_detection(protocol::SpecReader& in, std::optional<std::chrono::seconds>& every) {
  const Value* member = in.member("driftDetection");
  if (!member) return;
  if (member->is_bool() && member->as_bool()) every = kDetectsEvery;
  if (member->is_int() && member->as_int() > 0) every = std::chrono::seconds(member->as_int());
  if (!every && !(member->is_bool() && !member->as_bool()))
    in.problem("driftDetection",
               "`driftDetection` has to be true, false, or the seconds between two detections");
}

std::string_view without_star(std::string_view pattern) {
  return pattern.ends_with('*') ? pattern.substr(0, pattern.size() - 1) : pattern;
}

/// That nothing is allowed which there can never be: nobody would notice the slip before a commit is refused.
void check_words(protocol::SpecReader& in, const Policy& policy) {
  const auto check = [&](const char* key, const std::vector<std::string>& words, const auto& is_one,
                         const char* what, const char* hint) {
    for (const auto& word : words)
      if (!is_one(std::string_view(word))) in.problem(key, "'" + word + "' is no " + what, hint);
  };
  const auto stack = [](std::string_view word) { return word == "*" || is_stack_name(without_star(word)); };
  const auto arn = [](std::string_view word) { return word.starts_with("arn:"); };
  const auto place = [](std::string_view word) {
    const auto bucket = word.substr(0, word.find('/'));
    const bool open = bucket.size() == word.size() && word.ends_with('*');
    return without_star(word).find('*') == word.npos && (open || is_bucket_name(bucket));
  };
  check("stacks", policy.stacks, stack, "name of a stack", "* stands for any rest, at the end");
  check("outputs", policy.outputs, stack, "name of a stack", "* stands for any rest, at the end");
  check("regions", policy.regions, is_region, "name of a region", "write it like eu-central-1");
  check("capabilities", policy.capabilities, is_capability, "capability",
        "use CAPABILITY_IAM, CAPABILITY_NAMED_IAM or CAPABILITY_AUTO_EXPAND");
  check("roles", policy.roles, arn, "role", "write its whole ARN: arn:aws:iam::ACCOUNT:role/NAME");
  check("notifications", policy.notifications, arn, "topic",
        "write its whole ARN: arn:aws:sns:REGION:ACCOUNT:NAME");
  const char* const places =
      "write BUCKET/PREFIX, or BUCKET for all of it; a bucket's name has 3 to 63 lower-case letters, digits, "
      "hyphens and dots";
  check("buckets", policy.buckets, place, "place in a bucket", places);
  check("exclusive", policy.exclusive, place, "place in a bucket", places);
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

Reading reading_with(const Value& defaults, const Policy& policy, const std::string& region) {
  return {defaults, policy.only_stack(), region, policy.capabilities,
          policy.roles.size() == 1 && !policy.roles.front().ends_with('*') ? policy.roles.front()
                                                                           : std::string()};
}

Policy Policy::parse(const Value& value, std::vector<WireProblem>& problems) {
  Policy policy;
  if (value.is_null()) return policy;
  const std::string none;
  protocol::SpecReader in(&value, "", none, problems);
  in.allow({"stacks", "regions", "outputs", "capabilities", "roles", "notifications", "data",
            "driftDetection", "buckets", "exclusive"});
  policy.stacks = in.texts("stacks", "names");
  policy.regions = in.texts("regions", "names");
  policy.outputs = in.texts("outputs", "names");
  policy.capabilities = in.texts("capabilities", "names");
  policy.roles = in.texts("roles", "names");
  policy.buckets = in.texts("buckets", "names");
  policy.exclusive = in.texts("exclusive", "names");
  policy.notifications = in.texts("notifications", "names");
  check_words(in, policy);
  read_data(in, policy.data, problems);
  read_drift_detection(in, policy.drift_detection);
  return policy;
}

bool Policy::allows_region(const std::string& region) const {
  return region.empty() || std::find(regions.begin(), regions.end(), region) != regions.end();
}

bool Policy::allows_stack(const std::string& text) const {
  const auto place = StackPlace::parse(text);
  return allows_region(place.region) && allows(stacks, place.name);
}

bool Policy::allows_output(const std::string& text) const {
  const auto place = StackPlace::parse(text);
  return allows_region(place.region) && (allows(stacks, place.name) || allows(outputs, place.name));
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
  const auto place = StackPlace::parse(stack.name);
  const auto check = [&](bool allowed, const std::string& pointer, const std::string& what,
                         const std::string& key, const std::vector<std::string>& listed_) {
    if (!allowed)
      out.push_back(breach(stack, pointer, "the policy does not allow " + what,
                           "`" + key + "` allows: " + listed(listed_)));
  };
  check(allows(policy.stacks, place.name), "/metadata/name", "the stack '" + place.name + "'", "stacks",
        policy.stacks);
  check(policy.allows_region(place.region), "/spec/region", "the region " + place.region, "regions",
        policy.regions);
  for (const auto& [name, from] : stack.from_outputs)
    check(policy.allows_output(from.stack), "/spec/parameters" + pointer_token(name),
          "outputs of the stack '" + from.stack + "'", "outputs", policy.outputs);
  for (const auto& word : stack.capabilities)
    check(allows(policy.capabilities, word), "/spec/capabilities", word, "capabilities", policy.capabilities);
  check(stack.role.empty() || allows(policy.roles, stack.role), "/spec/role", "the role " + stack.role,
        "roles", policy.roles);
  for (const auto& arn : stack.more.notifications.value_or(std::vector<std::string>()))
    check(allows(policy.notifications, arn), "/spec/notifications", "the topic " + arn, "notifications",
          policy.notifications);
  check(stack.more.may_replace.empty() || policy.data.declared_replace || policy.data.replace,
        "/spec/allow/replace", "declarations to let resources with data be replaced", "data.declared",
        policy.data.declared_remove ? std::vector<std::string>{"delete"} : std::vector<std::string>());
  check(stack.more.may_delete.empty() || policy.data.declared_remove || policy.data.remove,
        "/spec/allow/delete", "declarations to let resources with data be deleted", "data.declared",
        policy.data.declared_replace ? std::vector<std::string>{"replace"} : std::vector<std::string>());
  return out;
}

}  // namespace gitopsd::aws
