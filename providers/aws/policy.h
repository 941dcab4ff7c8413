// What an application's repository may do in this account.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "providers/aws/stack.h"

namespace gitopsd::aws {

/// What a change may do to resources that hold data without anybody's approval.
struct DataPolicy {
  std::vector<std::string> types;  ///< that hold data beside those that are known to
  bool replace = false, remove = false;
  bool declared_replace = false, declared_remove = false;  ///< where the declaration allows it, too
};

/// `{stacks: ["web-*"], outputs: [network], capabilities: [CAPABILITY_IAM], roles: ["arn:aws:iam::..."],
/// buckets: ["site/docs*"], exclusive: ["site/docs"]}`.
/// What is not named is not allowed; `*` at the end of a name stands for any rest.
struct Policy {
  std::vector<std::string> stacks;
  std::vector<std::string> regions;  ///< beside the destination's
  std::vector<std::string> outputs;  ///< stacks whose outputs may be read, beside those
  std::vector<std::string> capabilities, roles, notifications;
  DataPolicy data;
  /// Between two looks by CloudFormation's drift detection at one stack; nullopt: none, but where a stack
  /// declares it.
  std::optional<std::chrono::seconds> drift_detection;
  std::vector<std::string> buckets;    ///< `BUCKET/PREFIX`: where content may be put
  std::vector<std::string> exclusive;  ///< likewise: where whatever others put may be deleted

  /// Adds a problem for everything it cannot use.
  static Policy parse(const Value&, std::vector<protocol::WireProblem>& problems);
  /// By its place's text.
  bool allows_stack(const std::string& place) const;
  bool allows_output(const std::string& place) const;
  bool allows_region(const std::string& region) const;
  /// `prefix` with the slash at its end, or empty.
  bool allows_content(const std::string& bucket, const std::string& prefix) const;
  bool allows_emptying(const std::string& bucket, const std::string& prefix) const;
  /// The only stack that is allowed, where the policy names one by its whole name; else empty.
  std::string only_stack() const;
};

/// What declarations are read with. The stack of a deployment file has all of the policy's capabilities, and
/// its role where it names one.
Reading reading_with(const Value& defaults, const Policy&, const std::string& region);

/// "web-*, shop", or "none"; for hints.
std::string listed(const std::vector<std::string>& words);

/// Between two detections at one stack, unless the policy says otherwise: CloudFormation reads every resource
/// of it each time.
inline constexpr std::chrono::seconds kDetectsEvery{600};

/// One problem (cause permission) per offending field.
std::vector<protocol::WireProblem> breaches(const Policy&, const Stack&);

}  // namespace gitopsd::aws
