// What a change set would do, for people.
#pragma once

#include <string>

#include "providers/aws/cloudformation.h"

namespace gitopsd::aws {

/// A line for each resource and property that changes.
std::string change_text(const ChangeSet&);
/// "2 to add, 1 to change, 1 to replace"
std::string change_summary(const ChangeSet&);
/// What goes and what stays when a stack is deleted, a line for each resource. `retained`: logical ids of
/// those that CloudFormation lets go of.
std::string deletion_text(const std::vector<StackResource>&, const std::vector<std::string>& retained);

}  // namespace gitopsd::aws
