// Which stacks come first.
#pragma once

#include <string>
#include <vector>

#include "providers/aws/stack.h"

namespace gitopsd::aws {

/// Sorts so that each comes after those that it requires, and otherwise by name. Returns, for each, how many
/// levels of others lie beneath it (0: none). Stacks that require each other in a circle are a problem of
/// each of them.
std::vector<int> sort_by_requirements(std::vector<Stack>&, std::vector<protocol::WireProblem>& problems);

}  // namespace gitopsd::aws
