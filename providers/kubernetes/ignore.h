// What an application leaves as others have it: rules of its policy by kind, field and manager.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "providers/kubernetes/identity.h"
#include "providers/protocol/messages.h"

namespace gitopsd::kubernetes {

/// A name, or a beginning with a `*` at its end.
bool pattern_matches(std::string_view pattern, std::string_view text);

/// What the rules say of one object.
struct Ignored {
  bool whole = false;                 ///< no drift of it counts
  std::vector<std::string> pointers;  ///< pointer.h
  std::vector<std::string> managers;  ///< patterns: what these manage

  bool fields() const { return !pointers.empty() || !managers.empty(); }
  bool is_managers(std::string_view name) const;
  /// Tells apart what was ignored, for receipts. Empty where no fields are.
  std::string key() const;
};

/// `{kind: Deployment.apps, namespace: team-*, name: web-*, pointers: [/spec/replicas], managers: [scaler]}`;
/// all but the kind may be missing. Without pointers and managers it is about the whole object.
struct IgnoreRule {
  std::string kind, space = "*", name = "*";
  std::vector<std::string> pointers, managers;

  bool names(const Id&) const;
  void add_to(Ignored&) const;
};

/// The list of rules; nullptr is none. Adds a problem, with a pointer that starts with `where`, for
/// everything that it cannot use.
std::vector<IgnoreRule> parse_ignore_rules(const Value* value, const std::string& where,
                                           std::vector<protocol::WireProblem>& problems);

}  // namespace gitopsd::kubernetes
