// What a change set would do, for people.
#pragma once

#include <string>

#include "providers/aws/cloudformation.h"
#include "providers/protocol/messages.h"

namespace gitopsd::aws {

/// A line for each resource and property that changes.
std::string change_text(const ChangeSet&);
/// "2 to add, 1 to change, 1 to replace"
std::string change_summary(const ChangeSet&);
/// The worst of it: data where something that holds it is deleted or may be replaced, restart where only
/// other things are.
protocol::Destroys destroys(const ChangeSet&);

}  // namespace gitopsd::aws
