// LSP framing: `Content-Length: N\r\n\r\n` and N bytes of JSON, at most kMaxFrame.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/value.h"

namespace gitopsd::protocol {

/// Puts bytes that arrive in pieces together to frames. After it threw, the stream is lost.
class FrameReader {
 public:
  void feed(std::string_view bytes);
  /// The next whole frame's payload, or nullopt until more arrives. Throws Failure (cause destination) for
  /// garbage, a header over 1 KiB or a frame over kMaxFrame.
  std::optional<std::string> next();

 private:
  std::string buffer_;
  std::size_t start_ = 0;
};

/// Header and payload. Throws Failure (cause internal) beyond kMaxFrame.
std::string frame(std::string_view payload);

}  // namespace gitopsd::protocol
