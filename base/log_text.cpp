#include "base/log_text.h"

#include "base/utf8.h"

namespace gitopsd::log {
namespace {

void append_hex(std::string& out, unsigned char byte) {
  constexpr char kHex[] = "0123456789abcdef";
  out += "\\x";
  out += kHex[byte >> 4];
  out += kHex[byte & 15];
}

/// C1 controls, the separators of lines, and what changes the direction of text.
bool moves_the_cursor(std::string_view character) {
  if (character.size() == 2) return character[0] == '\xc2' && static_cast<unsigned char>(character[1]) < 0xa0;
  if (character.size() != 3 || character[0] != '\xe2') return false;
  const auto third = static_cast<unsigned char>(character[2]);
  if (character[1] == '\x80') return (third >= 0xa8 && third <= 0xae) || third == 0x8e || third == 0x8f;
  return character[1] == '\x81' && third >= 0xa6 && third <= 0xa9;
}

void append_printable(std::string& out, std::string_view text, bool quoted) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = utf8_size(text, at);
    const std::string_view character = text.substr(at, size == 0 ? 1 : size);
    const auto byte = static_cast<unsigned char>(character[0]);
    at += character.size();
    if (byte == '\n') {
      out += "\\n";
    } else if (quoted && (byte == '"' || byte == '\\')) {
      out += '\\';
      out += character;
    } else if (size == 0 || byte < 0x20 || byte == 0x7f || moves_the_cursor(character)) {
      for (const char c : character) append_hex(out, static_cast<unsigned char>(c));
    } else {
      out += character;
    }
  }
}

}  // namespace

std::string line(std::string_view message, std::initializer_list<Field> fields) {
  std::string out;
  append_printable(out, message, false);
  for (const auto& field : fields) {
    const bool quoted = field.value.empty() || field.value.find_first_of(" =\"\\\n\t") != std::string::npos;
    out += ' ';
    out += field.name;
    out += quoted ? "=\"" : "=";
    append_printable(out, field.value, quoted);
    if (quoted) out += '"';
  }
  return out;
}

}  // namespace gitopsd::log
