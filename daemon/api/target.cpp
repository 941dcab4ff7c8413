#include "daemon/api/target.h"

#include <charconv>

#include "daemon/api/refusal.h"

namespace gitopsd::api {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string decode(std::string_view text, bool plus_is_space) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0)
        throw bad_request("the request's target has a '%' without two hexadecimal digits");
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if (c == '\0') throw bad_request("the request's target has a NUL byte");
    out += c;
  }
  return out;
}

}  // namespace

Target parse_target(std::string_view target) {
  if (!target.starts_with('/')) throw bad_request("the request's target is no absolute path");
  Target out;
  const auto mark = target.find('?');
  std::string_view path = target.substr(1, mark == std::string_view::npos ? mark : mark - 1);
  while (true) {
    const auto slash = path.find('/');
    out.segments.push_back(decode(path.substr(0, slash), false));
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  std::string_view query = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  while (!query.empty()) {
    const auto end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    std::string key = decode(pair.substr(0, equals), true);
    std::string value = equals == std::string_view::npos ? "" : decode(pair.substr(equals + 1), true);
    if (!out.query.emplace(key, std::move(value)).second)
      throw bad_request("query key '" + key + "' is given twice");
  }
  return out;
}

std::int64_t parse_number(std::string_view text, std::string_view what, std::int64_t least,
                          std::int64_t most) {
  std::int64_t value = 0;
  const auto end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (!text.empty() && error == std::errc() && stop == end && value >= least && value <= most) return value;
  throw bad_request(std::string(what) + " is '" + std::string(text.substr(0, 40)) + "'",
                    "it must be a number from " + std::to_string(least) + " to " + std::to_string(most));
}

}  // namespace gitopsd::api
