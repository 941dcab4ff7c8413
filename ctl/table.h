// Aligned columns.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ctl/terminal.h"

namespace gitopsd::ctl {

/// One field of a table. The text is made safe and put on one line.
struct Cell {
  std::string text;
  Colour colour = Colour::none;
  Cell(std::string t, Colour c = Colour::none) : text(std::move(t)), colour(c) {}
  Cell(const char* t) : text(t) {}
};

class Table {
 public:
  /// A title that begins with '>' makes its column right-aligned.
  explicit Table(std::vector<std::string> titles);
  /// As many cells as there are titles.
  void add(std::vector<Cell> cells);
  bool empty() const { return rows_.empty(); }
  /// Two spaces between columns; columns without any text are left out; the last one is cut at the terminal's
  /// width.
  std::string str(const Terminal& terminal) const;

 private:
  std::vector<std::string> titles_;
  std::vector<bool> right_;
  std::vector<std::vector<Cell>> rows_;
};

/// "KEY:  VALUE" lines, values aligned; those without a value are left out, further lines of one are
/// indented.
class Details {
 public:
  void add(std::string key, Cell value);
  std::string str(const Terminal& terminal) const;

 private:
  std::vector<std::pair<std::string, Cell>> lines_;
};

}  // namespace gitopsd::ctl
