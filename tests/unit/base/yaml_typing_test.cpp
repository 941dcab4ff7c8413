// Every row of yaml-typing.tsv: a spelling, and what kubectl 1.33 made of it.
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <sstream>

#include "base/file.h"
#include "base/json.h"
#include "base/yaml.h"

namespace gitopsd {
namespace {

std::vector<std::string> split(const std::string& line, char by) {
  std::vector<std::string> parts;
  std::stringstream in(line);
  for (std::string part; std::getline(in, part, by);) parts.push_back(part);
  return parts;
}

bool same(const Value& a, const Value& b) {
  const bool na = a.is_int() || a.is_double() || a.is_uint(), nb = b.is_int() || b.is_double() || b.is_uint();
  if (na && nb) return a.is_int() && b.is_int() ? a.as_int() == b.as_int() : a.as_double() == b.as_double();
  if (a.is_array() && b.is_array()) {
    if (a.as_array().size() != b.as_array().size()) return false;
    for (std::size_t i = 0; i < a.as_array().size(); ++i) {
      if (!same(a.as_array()[i], b.as_array()[i])) return false;
    }
    return true;
  }
  if (a.is_object() && b.is_object()) {
    if (a.as_object().size() != b.as_object().size()) return false;
    for (const auto& [k, v] : a.as_object()) {
      const auto it = b.as_object().find(k);
      if (it == b.as_object().end() || !same(v, it->second)) return false;
    }
    return true;
  }
  return a == b;
}

Value member(const Value& document, std::string_view key) {
  if (!document.is_object()) return document;
  const auto it = document.as_object().find(key);
  return it == document.as_object().end() ? Value() : it->second;
}

/// What the row's third column makes of the documents: spec.v, spec, or the list of all specs.
/// The table's numbers, of which kubectl writes some beyond 64 bits.
Value parse_expected(std::string text) {
  for (const char* big : {"100000000000000000000", "-9223372036854776000", "18446744073709552000"}) {
    const auto at = text.find(big);
    if (at != std::string::npos) text.insert(at + std::string(big).size(), ".0");
  }
  return parse_json(text);
}

/// Rows whose input is not UTF-8 give its bytes as code points below 256.
std::string input_bytes(const std::string& row, const std::string& json) {
  const std::string text = parse_json(json).as_string();
  if (row != "361" && row != "362") return text;
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    bytes += c < 0x80 ? text[i] : static_cast<char>((c & 3) << 6 | (text[++i] & 0x3f));
  }
  return bytes;
}

bool matches(const std::vector<Value>& documents, const Value& expected) {
  if (documents.empty()) return expected.is_array() && expected.as_array().empty();
  if (same(Value(Value::Array(documents)), expected)) return true;
  const Value spec = member(documents[0], "spec");
  if (same(member(spec, "v"), expected) || same(spec, expected)) return true;
  Value all = Value::array();
  for (const auto& d : documents) all.push(member(d, "spec"));
  return same(all, expected);
}

std::string show(const std::vector<Value>& documents) {
  std::string text;
  for (const auto& d : documents) text += to_json(d) + " ";
  return text;
}

}  // namespace

TEST_CASE("every row of the typing table reads as kubectl reads it") {
  std::ifstream file(std::string(GITOPSD_SOURCE) + "/tests/unit/base/yaml-typing.tsv");
  REQUIRE(file);
  int rows = 0;
  const std::string stricter = "duplicate keys are refused", text = "only UTF-8 is read",
                    kube = "what the API's types say is the Kubernetes provider's matter, not the reader's";
  const std::map<std::string, std::string> deviations = {
      {"215", stricter},
      {"216", stricter},
      {"217", stricter},
      {"218", stricter},
      {"219", stricter},
      {"298", stricter},
      {"299", stricter},
      {"300", stricter},
      {"301", stricter},
      {"302", stricter},
      {"367", stricter},
      {"386", stricter},
      {"361", text},
      {"362", text},
      {"373", text},
      {"378", kube},
      {"379", kube},
      {"380", kube},
      {"381", kube},
      {"382", kube},
      {"383", kube},
      {"384", kube},
      {"385", kube},
      {"153", "bytes that are no text are refused instead of replaced"},
      {"220", "the escape \\/ is JSON's and YAML 1.2's; it means the same in both"},
  };
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    const auto columns = split(line, '\t');
    REQUIRE(columns.size() >= 4);
    ++rows;
    const std::string spelling = columns[1], input = input_bytes(columns[0], columns[2]);
    CAPTURE(columns[0]);
    CAPTURE(spelling);
    const bool expect_error = columns[3].starts_with("ERR");
    std::string got;
    bool agrees = false;
    try {
      const auto documents = parse_yaml(input, "row");
      got = show(documents);
      agrees = !expect_error && matches(documents, parse_expected(columns[3]));
    } catch (const Failure& failure) {
      got = failure.what();
      agrees = expect_error;
    }
    const auto deviation = deviations.find(columns[0]);
    if (deviation != deviations.end()) {  // listed rows must differ, or the list is out of date
      CHECK_MESSAGE(!agrees, "row " << columns[0] << " is listed as a deviation but agrees");
      continue;
    }
    CHECK_MESSAGE(agrees, columns[0] << " " << spelling << " expected " << columns[3] << " got " << got);
  }
  CHECK(rows == 393);
}

}  // namespace gitopsd
