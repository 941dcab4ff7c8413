// Runs numbered pieces of work in an order that dependencies allow, several at once.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace gitopsd::protocol {

/// Calls `work(i)` once for each i, on up to `parallel` threads, after it has returned for all of `after[i]`;
/// these are smaller than i (others are ignored). `work` throws nothing.
void run_in_order(const std::vector<std::vector<std::size_t>>& after, std::size_t parallel,
                  const std::function<void(std::size_t)>& work);

}  // namespace gitopsd::protocol
