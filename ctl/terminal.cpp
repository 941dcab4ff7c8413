#include "ctl/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>

namespace gitopsd::ctl {
namespace {

struct Character {
  std::uint32_t code = 0;
  std::size_t bytes = 1;
  bool valid = false;
};

// RFC 3629: no surrogates, no overlong forms, nothing beyond U+10FFFF.
Character next_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1, true};
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  constexpr std::array<std::uint32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return {};
  std::uint32_t code = first & (0xffu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3fu);
  }
  if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return {};
  return {code, length, true};
}

bool harmful(std::uint32_t code) {
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return true;
  // Marks and embeddings of direction, line and paragraph separators, the byte order mark.
  return code == 0x061c || code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
         (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

std::string escaped(const char* format, std::uint32_t code) {
  std::array<char, 16> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, code);
  return buffer.data();
}

template <class Escape>
std::string each_character(std::string_view text, const Escape& escape) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto c = next_character(text);
    out += escape(c, text.substr(0, c.bytes));
    text.remove_prefix(c.bytes);
  }
  return out;
}

}  // namespace

std::string safe(std::string_view text, bool keep_newlines) {
  return each_character(text, [=](const Character& c, std::string_view bytes) -> std::string {
    if (!c.valid) return escaped("\\x%02x", static_cast<unsigned char>(bytes[0]));
    if (!harmful(c.code) || (keep_newlines && c.code == '\n')) return std::string(bytes);
    if (c.code == '\n') return "\\n";
    if (c.code == '\t') return keep_newlines ? "  " : "\\t";
    return escaped(c.code < 0x100 ? "\\x%02x" : "\\u%04x", c.code);
  });
}

std::string safe_json(std::string_view json) {
  return each_character(json, [](const Character& c, std::string_view bytes) -> std::string {
    if (c.valid && (c.code == '\n' || !harmful(c.code))) return std::string(bytes);
    return escaped("\\u%04x", c.valid ? c.code : 0xfffd);
  });
}

std::size_t width(std::string_view text) {
  std::size_t count = 0;
  for (; !text.empty(); ++count) text.remove_prefix(next_character(text).bytes);
  return count;
}

std::string shortened(std::string_view text, std::size_t columns) {
  if (width(text) <= columns) return std::string(text);
  std::size_t bytes = 0;
  for (std::size_t i = 1; i < columns; ++i) bytes += next_character(text.substr(bytes)).bytes;
  return std::string(text.substr(0, bytes)) + (columns == 0 ? "" : "…");
}

Terminal::Terminal(std::FILE* file) : file_(file) {
  if (!isatty(fileno(file))) return;
  winsize size{};
  if (ioctl(fileno(file), TIOCGWINSZ, &size) == 0) columns_ = size.ws_col;
  const char* no_colour = std::getenv("NO_COLOR");
  const char* kind = std::getenv("TERM");
  colours_ =
      (no_colour == nullptr || *no_colour == '\0') && kind != nullptr && std::string_view(kind) != "dumb";
}

std::string Terminal::paint(Colour colour, std::string_view text) const {
  constexpr std::array<const char*, 7> codes{"", "2", "1", "31", "32", "33", "36"};
  if (!colours_ || colour == Colour::none || text.empty()) return std::string(text);
  return std::string("\x1b[") + codes[static_cast<std::size_t>(colour)] + "m" + std::string(text) + "\x1b[0m";
}

void Terminal::write(std::string_view text) const {
  std::fwrite(text.data(), 1, text.size(), file_);
  std::fflush(file_);
}

}  // namespace gitopsd::ctl
