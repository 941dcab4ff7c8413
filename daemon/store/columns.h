// How values stand in columns.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/types.h"
#include "daemon/store/connection.h"

namespace gitopsd::store {

inline constexpr int kDeletedFlag = 1;
inline constexpr int kBodySignedFlag = 2;
inline constexpr int kNoEventFlag = 4;  ///< the row is a delivery without any event

/// Lower-case hexadecimal takes half the room as bytes. `b` and the bytes, or `t` and any other text; empty
/// stays empty.
std::string packed(std::string_view text);
std::string unpacked(std::string_view stored);

/// A commit as its 20 bytes; none is empty.
class CommitBytes {
 public:
  explicit CommitBytes(const CommitId& commit);
  std::string_view view() const { return {bytes_.data(), size_}; }

 private:
  std::array<char, 20> bytes_;
  std::size_t size_ = 0;
};
CommitId commit_of(std::string_view bytes);

/// A digest as the text that a blob is bound from.
std::string_view bytes_of(const Sha256& digest);

}  // namespace gitopsd::store
