// What an application's repository may do in this account.
#pragma once

#include <string>
#include <vector>

#include "providers/aws/stack.h"

namespace gitopsd::aws {

/// `{stacks: ["web-*"], outputs: [network], capabilities: [CAPABILITY_IAM], roles: ["arn:aws:iam::..."],
/// buckets: ["site/docs*"], exclusive: ["site/docs"]}`.
/// What is not named is not allowed; `*` at the end of a name stands for any rest.
struct Policy {
  std::vector<std::string> stacks;
  std::vector<std::string> outputs;  ///< stacks whose outputs may be read, beside those
  std::vector<std::string> capabilities, roles;
  std::vector<std::string> buckets;    ///< `BUCKET/PREFIX`: where content may be put
  std::vector<std::string> exclusive;  ///< likewise: where whatever others put may be deleted

  /// Adds a problem for everything it cannot use.
  static Policy parse(const Value&, std::vector<protocol::WireProblem>& problems);
  bool allows_stack(const std::string& name) const;
  /// `prefix` with the slash at its end, or empty.
  bool allows_content(const std::string& bucket, const std::string& prefix) const;
  bool allows_emptying(const std::string& bucket, const std::string& prefix) const;
  /// The only stack that is allowed, where the policy names one by its whole name; else empty.
  std::string only_stack() const;
};

/// "web-*, shop", or "none"; for hints.
std::string listed(const std::vector<std::string>& words);

/// One problem (cause permission) per offending field.
std::vector<protocol::WireProblem> breaches(const Policy&, const Stack&);

}  // namespace gitopsd::aws
