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

/// Of stacks that go, each with the names of those that it requires: how many levels of others go before it
/// (0: none). What requires another goes before that one, of which it may import something.
std::vector<int> levels_of_leaving(const std::vector<std::string>& names,
                                   const std::vector<std::vector<std::string>>& required);

}  // namespace gitopsd::aws
