// Text for people: colour where it is wanted, and nothing from outside that a terminal would obey.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

namespace gitopsd::ctl {

enum class Colour { none, dim, bold, red, green, yellow, cyan };

/// Control characters (C0, DEL, C1), characters that change the direction of writing, and bytes that are no
/// UTF-8 become visible escapes. With `keep_newlines`, line feeds stay.
std::string safe(std::string_view text, bool keep_newlines = false);
/// The same for JSON text, which stays JSON: what is left after the JSON writer becomes \uXXXX.
std::string safe_json(std::string_view json);
/// How many columns the text takes, one a code point.
std::size_t width(std::string_view text);
/// At most that many columns, the last one an ellipsis where something is cut off.
std::string shortened(std::string_view text, std::size_t columns);

class Terminal {
 public:
  Terminal() = default;
  /// Colour only where `file` is a terminal that can show it and NO_COLOR (no-color.org) is not set.
  explicit Terminal(std::FILE* file);

  std::string paint(Colour colour, std::string_view text) const;
  /// Columns of the terminal; 0 where output is no terminal.
  std::size_t columns() const { return columns_; }
  bool colours() const { return colours_; }
  void write(std::string_view text) const;

 private:
  std::FILE* file_ = stdout;
  bool colours_ = false;
  std::size_t columns_ = 0;
};

}  // namespace gitopsd::ctl
