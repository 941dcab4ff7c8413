// What an application's repository may do in this account.
#pragma once

#include <string>
#include <vector>

#include "providers/aws/stack.h"

namespace gitopsd::aws {

/// `{stacks: ["web-*"], outputs: [network], capabilities: [CAPABILITY_IAM], roles: ["arn:aws:iam::..."]}`.
/// What is not named is not allowed; `*` at the end of a name stands for any rest.
struct Policy {
  std::vector<std::string> stacks;
  std::vector<std::string> outputs;  ///< stacks whose outputs may be read, beside those
  std::vector<std::string> capabilities, roles;

  /// Adds a problem for everything it cannot use.
  static Policy parse(const Value&, std::vector<protocol::WireProblem>& problems);
  bool allows_stack(const std::string& name) const;
  /// The only stack that is allowed, where the policy names one by its whole name; else empty.
  std::string only_stack() const;
};

/// One problem (cause permission) per offending field.
std::vector<protocol::WireProblem> breaches(const Policy&, const Stack&);

}  // namespace gitopsd::aws
