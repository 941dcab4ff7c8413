// Secret bytes: never formatted, never logged, wiped when they go.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace gitopsd {

/// Holds a secret. There is no stream or fmt formatter and no implicit conversion on purpose: whoever needs
/// the bytes says `reveal()`, which is easy to search for.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string bytes) : bytes_(std::move(bytes)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept;
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  std::string_view reveal() const { return bytes_; }
  bool empty() const { return bytes_.empty(); }
  std::size_t size() const { return bytes_.size(); }
  /// Constant time in the bytes; the length may show.
  bool equals(std::string_view other) const;

 private:
  std::string bytes_;
};

/// Constant-time comparison of two proofs; false at once where the lengths differ.
bool constant_time_equal(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b);

/// Overwrites memory in a way the compiler may not drop.
void wipe(void* bytes, std::size_t size);

}  // namespace gitopsd
