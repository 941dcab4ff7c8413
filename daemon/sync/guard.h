// What may not happen without somebody's word: deletion budgets, data, approval (promise 6).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/config.h"
#include "providers/protocol/messages.h"

namespace gitopsd::sync {

/// Why this plan has to wait for `gitopsctl approve`, or empty. `owned`: entries with an owned half before
/// it.
std::string hold_reason(const config::Application&, const std::vector<protocol::Step>&, std::int64_t owned,
                        bool asked_to_delete);

}  // namespace gitopsd::sync
