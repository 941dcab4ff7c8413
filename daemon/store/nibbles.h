// Hexadecimal digits by table: the writer decodes a hundred of them for each delivery.
#pragma once

#include <array>

namespace gitopsd::store {

/// The value of a lower-case hexadecimal digit, or -1.
inline constexpr auto kNibbles = [] {
  std::array<signed char, 256> out{};
  out.fill(-1);
  for (int i = 0; i < 10; ++i) out[static_cast<std::size_t>('0' + i)] = static_cast<signed char>(i);
  for (int i = 0; i < 6; ++i) out[static_cast<std::size_t>('a' + i)] = static_cast<signed char>(10 + i);
  return out;
}();

/// The byte that two digits stand for, or a negative number.
constexpr int byte_of(char high, char low) {
  const int h = kNibbles[static_cast<unsigned char>(high)], l = kNibbles[static_cast<unsigned char>(low)];
  return (h | l) < 0 ? -1 : h << 4 | l;
}

}  // namespace gitopsd::store
