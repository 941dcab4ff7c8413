// Any bytes as JSON: a value that is written and read back as itself, every node with its place, or a
// refusal.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/json.h"
#include "base/utf8.h"

namespace {

using namespace gitopsd;

void require(bool holds) {
  if (!holds) std::abort();
}

/// Where a node stands, there is the beginning of one of its kind.
void check(const Value& value, const std::vector<std::string_view>& lines) {
  const auto& at = value.position;
  require(at.line >= 1 && at.line <= static_cast<int>(lines.size()) && at.column >= 1);
  const std::string_view line = lines[static_cast<std::size_t>(at.line) - 1];
  require(at.column <= static_cast<int>(line.size()));
  const char c = line[static_cast<std::size_t>(at.column) - 1];
  if (value.is_object()) {
    require(c == '{');
    for (const auto& [key, member] : value.as_object()) check(member, lines);
  } else if (value.is_array()) {
    require(c == '[');
    for (const auto& item : value.as_array()) check(item, lines);
  } else if (value.is_string()) {
    require(c == '"');
  } else if (value.is_null() || value.is_bool()) {
    require(c == 'n' || c == 't' || c == 'f');
  } else {
    require(c == '-' || (c >= '0' && c <= '9'));
  }
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto lines = lines_of(text);
  Value value;
  try {
    value = parse_json(text, "fuzz.json");
  } catch (const Failure& failure) {
    const auto& problem = failure.problems()[0];
    require(problem.file == "fuzz.json" && !problem.message.empty() && problem.cause == ProblemCause::input);
    require(problem.position.line >= 1 && problem.position.line <= static_cast<int>(lines.size()));
    return 0;
  }
  require(is_utf8(text) && text.find('\0') == std::string_view::npos);
  check(value, lines);
  const std::string written = to_json(value);
  const Value again = parse_json(written);
  require(again == value && to_json(again) == written);
  require(parse_json(to_pretty_json(value)) == value);
  return 0;
}
