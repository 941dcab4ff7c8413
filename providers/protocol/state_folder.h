// Where a provider keeps what it has to remember, and its key.
#pragma once

#include <string>

#include "base/secret.h"
#include "providers/protocol/messages.h"

namespace gitopsd::protocol {

/// The unit's own ($STATE_DIRECTORY), else the daemon's offer. Throws Failure (input) where there is neither.
std::string state_folder(const InitializeRequest&);

/// 32 random bytes that receipts are HMACs under, kept in the folder, which is made where it is missing.
/// Throws Failure. With another key every receipt is unknown, and everything is compared once more.
Secret load_state_key(const std::string& folder);

}  // namespace gitopsd::protocol
