// The audit chain: each entry's hash covers the one before it, so that none can be changed, moved or taken
// out.
#pragma once

#include <string_view>

#include "base/types.h"

namespace gitopsd::store {

/// SHA-256 over the text `PREVIOUS SEQUENCE WHEN ENTRY`: the previous hash in lower-case hexadecimal (64
/// zeros before the first), the sequence from 1, microseconds since 1970; so that sha256sum can check it.
Sha256 chain_hash(const Sha256& previous, std::int64_t sequence, WallMicros when, std::string_view entry);

}  // namespace gitopsd::store
