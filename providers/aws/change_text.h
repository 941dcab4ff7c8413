// What a change set would do, for people.
#pragma once

#include <string>
#include <vector>

#include "providers/aws/cloudformation.h"
#include "providers/aws/data_guard.h"

namespace gitopsd::aws {

/// A line for each resource and property that changes; those that take data with them are marked.
std::string change_text(const ChangeSet&, const DataGuard&);
/// "2 to add, 1 to change, 1 to replace"
std::string change_summary(const ChangeSet&);
/// What goes and what stays when a stack is deleted, a line for each resource. `retained`: logical ids of
/// those that CloudFormation lets go of.
std::string deletion_text(const std::vector<StackResource>&, const std::vector<std::string>& retained,
                          const DataGuard&);

}  // namespace gitopsd::aws
