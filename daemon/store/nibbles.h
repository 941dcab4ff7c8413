// Hexadecimal digits by table: the writer decodes a hundred of them for each delivery.
#pragma once

#include <array>
#include <cstdint>

namespace gitopsd::store {

/// The value of a lower-case hexadecimal digit, or -1.
inline constexpr auto kNibbles = [] {
  std::array<std::int16_t, 256> out{};
  out.fill(-1);
  for (std::size_t i = 0; i < 10; ++i) out['0' + i] = static_cast<std::int16_t>(i);
  for (std::size_t i = 0; i < 6; ++i) out['a' + i] = static_cast<std::int16_t>(10 + i);
  return out;
}();

/// The byte that two digits stand for, or a negative number.
constexpr int byte_of(char high, char low) {
  const int h = kNibbles[static_cast<unsigned char>(high)], l = kNibbles[static_cast<unsigned char>(low)];
  return (h | l) < 0 ? -1 : h << 4 | l;
}

}  // namespace gitopsd::store
