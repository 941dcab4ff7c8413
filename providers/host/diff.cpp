#include "providers/host/diff.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace gitopsd::host {
namespace {

constexpr std::size_t kMaxDiff = 16u << 10;
constexpr std::size_t kMaxLine = 1024;
constexpr std::size_t kMaxCells = 4u << 20;
constexpr std::size_t kContext = 3;

using Lines = std::vector<std::string_view>;

Lines lines_of(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    auto end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

/// ' ' both, '-' only before, '+' only after.
struct Edit {
  char sign;
  std::string_view text;
};

/// The longest common subsequence by table, where that is affordable; else all old lines, then all new ones.
void edit_middle(const Lines& a, const Lines& b, std::vector<Edit>& edits) {
  const std::size_t width = b.size() + 1;
  if ((a.size() + 1) * width > kMaxCells) {
    for (auto line : a) edits.push_back({'-', line});
    for (auto line : b) edits.push_back({'+', line});
    return;
  }
  std::vector<std::uint32_t> length((a.size() + 1) * width, 0);
  for (std::size_t i = a.size(); i-- > 0;)
    for (std::size_t j = b.size(); j-- > 0;)
      length[i * width + j] = a[i] == b[j] ? length[(i + 1) * width + j + 1] + 1
                                           : std::max(length[(i + 1) * width + j], length[i * width + j + 1]);
  std::size_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    if (i < a.size() && j < b.size() && a[i] == b[j]) {
      edits.push_back({' ', a[i++]});
      ++j;
    } else if (j == b.size() || (i < a.size() && length[(i + 1) * width + j] >= length[i * width + j + 1])) {
      edits.push_back({'-', a[i++]});
    } else {
      edits.push_back({'+', b[j++]});
    }
  }
}

std::vector<Edit> edits_of(Lines a, Lines b) {
  std::vector<Edit> edits;
  std::size_t head = 0, tail = 0;
  while (head < a.size() && head < b.size() && a[head] == b[head]) edits.push_back({' ', a[head++]});
  while (tail + head < a.size() && tail + head < b.size() && a[a.size() - 1 - tail] == b[b.size() - 1 - tail])
    ++tail;
  const auto first = static_cast<std::ptrdiff_t>(head), last = static_cast<std::ptrdiff_t>(tail);
  edit_middle(Lines(a.begin() + first, a.end() - last), Lines(b.begin() + first, b.end() - last), edits);
  for (std::size_t i = a.size() - tail; i < a.size(); ++i) edits.push_back({' ', a[i]});
  return edits;
}

std::string hunk_header(std::size_t old_start, std::size_t old_count, std::size_t new_start,
                        std::size_t new_count) {
  auto range = [](std::size_t start, std::size_t count) {
    return std::to_string(count == 0 ? start : start + 1) + (count == 1 ? "" : "," + std::to_string(count));
  };
  return "@@ -" + range(old_start, old_count) + " +" + range(new_start, new_count) + " @@\n";
}

/// Where the hunk that begins around `at` ends: after kContext unchanged lines behind its last change.
std::size_t hunk_end(const std::vector<Edit>& edits, std::size_t at) {
  std::size_t unchanged = 0;
  std::size_t end = at;
  for (; end < edits.size() && unchanged <= 2 * kContext; ++end)
    unchanged = edits[end].sign == ' ' ? unchanged + 1 : 0;
  return end - (unchanged > kContext ? unchanged - kContext : 0);
}

std::string hunks(const std::vector<Edit>& edits) {
  std::string out;
  std::size_t at = 0, old_line = 0, new_line = 0;
  while (at < edits.size() && out.size() < kMaxDiff) {
    auto change = at;
    while (change < edits.size() && edits[change].sign == ' ') ++change;
    if (change == edits.size()) break;
    const std::size_t start = change - std::min(kContext, change - at);
    old_line += start - at;
    new_line += start - at;
    const std::size_t end = hunk_end(edits, change);
    std::string body;
    std::size_t old_count = 0, new_count = 0;
    for (std::size_t i = start; i < end; ++i) {
      if (edits[i].sign != '+') ++old_count;
      if (edits[i].sign != '-') ++new_count;
      if (out.size() + body.size() > kMaxDiff) continue;
      body += edits[i].sign;
      body += edits[i].text.substr(0, kMaxLine);
      body += edits[i].text.size() > kMaxLine ? "...\n" : "\n";
    }
    out += hunk_header(old_line, old_count, new_line, new_count) + body;
    old_line += old_count;
    new_line += new_count;
    at = end;
  }
  if (out.size() > kMaxDiff) out += "... (shortened)\n";
  return out;
}

std::string size_text(const std::optional<std::string>& bytes) {
  return bytes ? std::to_string(bytes->size()) + " bytes" : std::string("nothing");
}

// A cut at kMaxLine may split a character; what is shown must stay valid UTF-8.
std::string repair_utf8(std::string text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    const std::size_t length = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    bool whole = i + length <= text.size();
    for (std::size_t k = 1; whole && k < length; ++k)
      whole = (static_cast<unsigned char>(text[i + k]) & 0xc0) == 0x80;
    if (whole) {
      i += length;
    } else {
      text[i++] = '?';
    }
  }
  return text;
}

}  // namespace

bool is_text(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size();) {
    const auto c = static_cast<unsigned char>(bytes[i]);
    if (c < 0x80) {
      if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f') || c == 0x7f) return false;
      ++i;
      continue;
    }
    const std::size_t length = c >= 0xc2 && c < 0xe0   ? 2
                               : c >= 0xe0 && c < 0xf0 ? 3
                               : c >= 0xf0 && c < 0xf5 ? 4
                                                       : 0;
    if (length == 0 || i + length > bytes.size()) return false;
    std::uint32_t code = c & (0xffu >> (length + 1));
    for (std::size_t k = 1; k < length; ++k) {
      const auto next = static_cast<unsigned char>(bytes[i + k]);
      if ((next & 0xc0) != 0x80) return false;
      code = code << 6 | (next & 0x3f);
    }
    constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < kSmallest[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
    i += length;
  }
  return true;
}

std::string unified_diff(const std::string& path, const std::optional<std::string>& before,
                         const std::optional<std::string>& after) {
  if (before == after) return {};
  if ((before && !is_text(*before)) || (after && !is_text(*after)))
    return "binary content: " + size_text(before) + " before, " + size_text(after) + " after\n";
  std::string head = "--- " + (before ? path : std::string("/dev/null")) + "\n+++ " +
                     (after ? path : std::string("/dev/null")) + "\n";
  std::string body = hunks(edits_of(lines_of(before.value_or("")), lines_of(after.value_or(""))));
  if (body.empty()) body = "only the newline at the end differs\n";
  return head + repair_utf8(std::move(body));
}

}  // namespace gitopsd::host
