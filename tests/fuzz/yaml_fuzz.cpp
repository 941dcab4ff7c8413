// Any bytes as YAML: documents whose every node has a place in the text and that JSON can carry, or a refusal
// that has a place too.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/json.h"
#include "base/utf8.h"
#include "base/yaml.h"

namespace {

using namespace gitopsd;

int lines(std::string_view text) {
  return 1 + static_cast<int>(
                 std::count_if(text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }));
}

void require(bool holds) {
  if (!holds) std::abort();
}

void check(const Value& value, int last_line, int depth) {
  const auto& at = value.position;
  require(at.line >= 1 && at.line <= last_line && at.column >= 1);
  if (value.is_string()) require(is_utf8(value.as_string()));
  if (value.is_array()) {
    require(depth < 128);
    for (const auto& item : value.as_array()) check(item, last_line, depth + 1);
  } else if (value.is_object()) {
    require(depth < 128);
    for (const auto& [key, member] : value.as_object()) {
      require(is_utf8(key));
      check(member, last_line, depth + 1);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<Value> documents;
  try {
    documents = parse_yaml(text, "fuzz.yaml");
  } catch (const Failure& failure) {
    for (const auto& problem : failure.problems()) {
      require(problem.file == "fuzz.yaml" && !problem.message.empty() &&
              problem.cause == ProblemCause::input);
      require(problem.position.line >= 1 && problem.position.line <= lines(text) &&
              problem.position.column >= 1);
    }
    return 0;
  }
  for (const auto& document : documents) {
    require(!document.is_null());
    check(document, lines(text), 0);
    const std::string json = to_json(document);
    require(parse_json(json) == document);
    // JSON is YAML, where YAML takes its characters and the length of its keys: then it means the same.
    try {
      const auto again = parse_yaml(json, "again");
      require(again.size() == 1 && again[0] == document);
    } catch (const Failure&) {
    }
  }
  return 0;
}
