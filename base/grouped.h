// Numbers as people read them.
#pragma once

#include <cstddef>
#include <string>

namespace gitopsd {

/// "1,234,567"
inline std::string grouped(std::size_t number) {
  std::string text = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3)
    text.insert(static_cast<std::size_t>(at), ",");
  return text;
}

}  // namespace gitopsd
