#include "base/yaml_scalar.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/hash.h"
#include "base/json.h"
#include "base/utf8.h"

namespace gitopsd {
namespace {

using Word = std::string_view;
constexpr Word kTrue[] = {"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"};
constexpr Word kFalse[] = {"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"};
constexpr Word kNull[] = {"", "~", "null", "Null", "NULL"};
constexpr Word kNoNumber[] = {".inf",  ".Inf",  ".INF",  "+.inf", "+.Inf", "+.INF",
                              "-.inf", "-.Inf", "-.INF", ".nan",  ".NaN",  ".NAN"};

template <std::size_t N>
bool any_of(const Word (&words)[N], std::string_view text) {
  return std::find(std::begin(words), std::end(words), text) != std::end(words);
}

/// Whether a plain text may be anything but a string, by its first character: most need not be looked at
/// twice.
bool may_be_special(std::string_view text) {
  constexpr std::size_t kLongestWord = 5;
  if (text.empty()) return true;
  if ((text[0] >= '0' && text[0] <= '9') || text[0] == '+' || text[0] == '-' || text[0] == '.') return true;
  return text.size() <= kLongestWord &&
         std::string_view("yYnNtTfFoO~").find(text[0]) != std::string_view::npos;
}

bool digit(char c) {
  return c >= '0' && c <= '9';
}

/// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
bool looks_like_float(std::string_view s) {
  std::size_t i = 0;
  const auto run = [&] {
    const std::size_t start = i;
    while (i < s.size() && digit(s[i])) ++i;
    return i - start;
  };
  if (i < s.size() && (s[i] == '+' || s[i] == '-')) ++i;
  const std::size_t whole = run();
  if (i < s.size() && s[i] == '.') {
    ++i;
    if (run() == 0 && whole == 0) return false;
  } else if (whole == 0) {
    return false;
  }
  if (i < s.size() && (s[i] == 'e' || s[i] == 'E')) {
    ++i;
    if (i < s.size() && (s[i] == '+' || s[i] == '-')) ++i;
    if (run() == 0) return false;
  }
  return i == s.size();
}

/// As strconv.ParseInt(s, 0, 64), then ParseUint: prefixes 0x, 0o, 0b and a leading 0 for octal.
std::optional<Value> parse_integer(std::string_view s) {
  bool negative = false;
  if (!s.empty() && (s[0] == '+' || s[0] == '-')) {
    negative = s[0] == '-';
    s.remove_prefix(1);
  }
  int base = 10;
  if (s.size() > 1 && s[0] == '0') {
    const char p = s[1];
    base = p == 'x' || p == 'X' ? 16 : p == 'b' || p == 'B' ? 2 : 8;
    s.remove_prefix(base == 8 && p != 'o' && p != 'O' ? 1 : 2);
  }
  std::uint64_t magnitude = 0;
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), magnitude, base);
  if (s.empty() || error != std::errc() || end != s.data() + s.size()) return std::nullopt;
  constexpr std::uint64_t kMin = std::uint64_t{1} << 63;
  if (!negative && magnitude < kMin) return Value(static_cast<std::int64_t>(magnitude));
  if (negative && magnitude <= kMin) return Value(static_cast<std::int64_t>(0 - magnitude));
  if (negative) return std::nullopt;
  return Value(static_cast<double>(magnitude));  // kubectl itself goes through float64 here
}

/// JSON has one kind of number: 1.0 is written 1, as kubectl does.
Value number(double d) {
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (std::floor(d) == d && std::abs(d) <= kExact) return Value(static_cast<std::int64_t>(d));
  return Value(d);
}

std::optional<Value> parse_float(std::string_view s) {
  if (!looks_like_float(s)) return std::nullopt;
  if (s[0] == '+') s.remove_prefix(1);
  double d = 0;
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), d);
  if (end != s.data() + s.size()) return std::nullopt;
  if (error == std::errc::result_out_of_range) {
    // Too large stays a string, as in Go; too small is zero.
    const bool tiny = s.find("e-") != std::string_view::npos || s.find("E-") != std::string_view::npos;
    return tiny ? std::optional(Value(0)) : std::nullopt;
  }
  if (error != std::errc()) return std::nullopt;
  return number(d);
}

std::optional<Value> parse_number(std::string_view text) {
  std::string plain(text);
  std::erase(plain, '_');
  if (plain.empty()) return std::nullopt;
  if (auto i = parse_integer(plain)) return i;
  return parse_float(plain);
}

Value resolve_plain(std::string_view text) {
  if (!may_be_special(text)) return text;
  if (any_of(kNull, text)) return {};
  if (any_of(kTrue, text)) return true;
  if (any_of(kFalse, text)) return false;
  if (any_of(kNoNumber, text)) {
    throw fail(ProblemCause::input, "JSON has no number for " + std::string(text),
               "quote it if a string is meant");
  }
  const char first = text[0];
  if (digit(first) || first == '+' || first == '-' || first == '.') {
    // ".5_0" is not a number to go-yaml: the underscore rule is for those that start with a digit or sign.
    if (first == '.') {
      if (auto f = parse_float(text)) return *f;
    } else if (auto n = parse_number(text)) {
      return *n;
    }
  }
  return text;
}

}  // namespace

Value resolve_yaml_scalar(std::string_view tag, std::string_view text) {
  constexpr std::string_view kCore = "tag:yaml.org,2002:";
  if (tag == "?") return resolve_plain(text);
  if (tag.starts_with(kCore)) {
    const std::string_view kind = tag.substr(kCore.size());
    const auto refuse = [&] {
      return fail(ProblemCause::input,
                  "\"" + std::string(text.substr(0, 100)) + "\" is no " + std::string(kind));
    };
    if (kind == "binary") {
      std::string compact(text);
      std::erase_if(compact, [](char c) { return c == '\n' || c == '\r' || c == ' '; });
      auto bytes = from_base64(compact);
      // A document is JSON: bytes that are no text have no place in it.
      if (!bytes || !is_utf8(*bytes)) throw refuse();
      return std::move(*bytes);
    }
    if (kind == "int" || kind == "float" || kind == "bool" || kind == "null") {
      Value v = resolve_plain(text);
      const bool fits = kind == "int"     ? v.is_int() || (v.is_double() && text.find('.') == text.npos)
                        : kind == "float" ? v.is_int() || v.is_double()
                        : kind == "bool"  ? v.is_bool()
                                          : v.is_null();
      if (!fits) throw refuse();
      return v;
    }
  }
  return text;
}

Value resolve_yaml_key(std::string_view tag, std::string_view text) {
  // A key becomes a string anyway, so what JSON has no number for may stand as it is written.
  if (tag == "?" && any_of(kNoNumber, text)) return text;
  return resolve_yaml_scalar(tag, text);
}

std::optional<std::string> yaml_key_text(const Value& key) {
  if (key.is_string()) return key.as_string();
  if (key.is_null()) return std::nullopt;
  return to_json(key);
}

}  // namespace gitopsd
