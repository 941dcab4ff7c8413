#include "providers/kubernetes/header_text.h"

#include <algorithm>

namespace gitopsd::kubernetes {

bool is_header_text(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::string token_fault(std::string_view token) {
  if (token.empty()) return "is empty";
  const auto visible = [](char c) { return c > 0x20 && c < 0x7f; };
  if (!std::all_of(token.begin(), token.end(), visible))
    return "holds spaces, line ends or characters beyond ASCII";
  return {};
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace gitopsd::kubernetes
