#include "base/types.h"

#include <algorithm>

namespace gitopsd {

std::optional<CommitId> CommitId::parse(std::string_view text) {
  if (text.size() != 40) return std::nullopt;
  std::string hex(text);
  for (char& c : hex) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    if ((c < '0' || c > '9') && (c < 'a' || c > 'f')) return std::nullopt;
  }
  return CommitId(std::move(hex));
}

bool CommitId::is_zero() const {
  return !hex_.empty() && hex_.find_first_not_of('0') == std::string::npos;
}

std::optional<Ref> Ref::parse(std::string_view text) {
  constexpr std::size_t kLongest = 1024;
  if (!text.starts_with("refs/") || text.size() > kLongest || text.ends_with('/') || text.ends_with('.')) {
    return std::nullopt;
  }
  if (std::count(text.begin(), text.end(), '/') < 2) return std::nullopt;
  char before = '/';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte == 0x7f || std::string_view("~^:?*[\\").find(c) != std::string_view::npos) {
      return std::nullopt;
    }
    // A component is not empty, starts with neither '.' nor '-', and no ".." or "@{" stands anywhere.
    if (before == '/' && i > 0 && (c == '/' || c == '.' || c == '-')) return std::nullopt;
    if ((c == '.' && before == '.') || (c == '{' && before == '@')) return std::nullopt;
    before = c;
  }
  for (std::size_t at = text.find(".lock"); at != std::string_view::npos; at = text.find(".lock", at + 1)) {
    if (at + 5 == text.size() || text[at + 5] == '/') return std::nullopt;
  }
  return Ref(std::string(text));
}

}  // namespace gitopsd
