// How values stand in columns.
#pragma once

#include <string>
#include <string_view>

#include "base/types.h"
#include "daemon/store/connection.h"

namespace gitopsd::store {

inline constexpr int kDeletedFlag = 1;
inline constexpr int kBodySignedFlag = 2;

/// Lower-case hexadecimal takes half the room as bytes. `b` and the bytes, or `t` and any other text; empty
/// stays empty.
std::string packed(std::string_view text);
std::string unpacked(std::string_view stored);
CommitId commit_of(std::string_view stored);

}  // namespace gitopsd::store
