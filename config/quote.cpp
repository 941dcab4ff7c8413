#include "config/quote.h"

#include <array>
#include <cstdio>

namespace gitopsd::config {
namespace {

// At most `most` bytes, never ending inside a UTF-8 sequence.
std::string_view cut(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
  return text.substr(0, most);
}

}  // namespace

std::string in_quotes(std::string_view text) {
  const auto shown = cut(text, 80);
  std::string out = "\"";
  for (const char c : shown) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      out += c;
      continue;
    }
    std::array<char, 5> escaped{};
    std::snprintf(escaped.data(), escaped.size(), "\\x%02x", byte);
    out += escaped.data();
  }
  if (shown.size() < text.size()) out += "...";
  return out + '"';
}

}  // namespace gitopsd::config
