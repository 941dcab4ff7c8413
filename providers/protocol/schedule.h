// Runs numbered pieces of work in an order that dependencies allow, several at once.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "providers/protocol/messages.h"

namespace gitopsd::protocol {

/// Calls `work(i)` once for each i, on up to `parallel` threads, after it has returned for all of `after[i]`;
/// these are smaller than i (others are ignored). `work` throws nothing.
void run_in_order(const std::vector<std::vector<std::size_t>>& after, std::size_t parallel,
                  const std::function<void(std::size_t)>& work);

/// The `after` of each step by index, as above; a key that is not in this call was done in an earlier one.
std::vector<std::vector<std::size_t>> dependencies_of(const std::vector<Step>& steps);

/// Of an `apply` with these results: what was planned on something else comes before all, then that it was
/// cancelled.
ApplyOutcome outcome_of(const std::vector<StepResult>& results, bool cancelled);

}  // namespace gitopsd::protocol
