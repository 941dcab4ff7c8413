// Whether a change loses what cannot be made again, and whether that needs somebody's word.
#pragma once

#include <string>
#include <vector>

#include "providers/aws/cloudformation.h"
#include "providers/aws/policy.h"
#include "providers/protocol/messages.h"

namespace gitopsd::aws {

class DataGuard {
 public:
  /// What the policy allows, and of what it lets a declaration allow, what that does.
  explicit DataGuard(const DataPolicy&, const StackOptions& = {});

  /// Whether resources of this type do, also as the policy says.
  bool holds_data(const std::string& type) const;
  /// Whether data goes with it, or may, allowed or not.
  bool loses_data(const ResourceChange&) const;
  /// The worst of it: data where something that holds it is deleted, or may be replaced, and nothing allows
  /// that; restart where only other things are.
  protocol::Destroys of(const ChangeSet&) const;
  /// Of a whole stack.
  protocol::Destroys of_deletion() const;

 private:
  bool lets(const ResourceChange&) const;

  std::vector<std::string> types_;
  bool replace_, remove_;
  std::vector<std::string> may_replace_, may_remove_;  ///< logical ids
};

}  // namespace gitopsd::aws
