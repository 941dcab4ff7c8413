#include "ctl/table.h"

#include <algorithm>
#include <stdexcept>

namespace gitopsd::ctl {
namespace {

constexpr std::size_t kGap = 2;

std::string padding(std::size_t columns) {
  return std::string(columns, ' ');
}

}  // namespace

Table::Table(std::vector<std::string> titles) : titles_(std::move(titles)) {
  for (auto& title : titles_) {
    right_.push_back(title.starts_with('>'));
    if (right_.back()) title.erase(0, 1);
  }
}

void Table::add(std::vector<Cell> cells) {
  if (cells.size() != titles_.size()) throw std::logic_error("a row with another number of cells");
  for (auto& cell : cells) cell.text = safe(cell.text);
  rows_.push_back(std::move(cells));
}

std::string Table::str(const Terminal& terminal) const {
  std::vector<std::size_t> widths(titles_.size(), 0);
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i].text));
  }
  std::vector<std::size_t> shown;
  for (std::size_t i = 0; i < widths.size(); ++i) {
    if (widths[i] == 0) continue;
    widths[i] = std::max(widths[i], width(titles_[i]));
    shown.push_back(i);
  }

  std::string out;
  const auto add_line = [&](const auto& cell_of) {
    std::size_t used = 0;
    for (const auto i : shown) {
      const Cell& cell = cell_of(i);
      const bool last = i == shown.back();
      std::string text = cell.text;
      if (last && !right_[i] && terminal.columns() > used + 8)
        text = shortened(text, terminal.columns() - used);
      const auto fill = widths[i] - std::min(widths[i], width(text));
      if (right_[i]) out += padding(fill);
      out += terminal.paint(cell.colour, text);
      if (!last) out += padding((right_[i] ? 0 : fill) + kGap);
      used += widths[i] + kGap;
    }
    while (out.ends_with(' ')) out.pop_back();
    out += '\n';
  };
  std::vector<Cell> head;
  for (const auto& title : titles_) head.emplace_back(title, Colour::bold);
  add_line([&](std::size_t i) -> const Cell& { return head[i]; });
  for (const auto& row : rows_) add_line([&](std::size_t i) -> const Cell& { return row[i]; });
  return out;
}

void Details::add(std::string key, Cell value) {
  if (!value.text.empty()) lines_.emplace_back(std::move(key), std::move(value));
}

std::string Details::str(const Terminal& terminal) const {
  std::size_t widest = 0;
  for (const auto& [key, value] : lines_) widest = std::max(widest, width(key));
  std::string out;
  for (const auto& [key, value] : lines_) {
    out += terminal.paint(Colour::bold, key + ":") + padding(widest - width(key) + kGap);
    std::string text = safe(value.text, true);
    while (text.ends_with('\n')) text.pop_back();
    for (std::size_t at = text.find('\n'); at != text.npos; at = text.find('\n', at + 1)) {
      text.insert(at + 1, padding(widest + 1 + kGap));
    }
    out += terminal.paint(value.colour, text) + '\n';
  }
  return out;
}

}  // namespace gitopsd::ctl
