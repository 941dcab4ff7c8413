#include "handlers/media_type.h"

#include <strings.h>

namespace gitopsd::handlers {
namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = digit(text[i + 1]), low = digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high << 4 | low);
      i += 2;
    }
  }
  return out;
}

}  // namespace

MediaType media_type(std::string_view header) {
  const auto semicolon = header.find(';');
  const auto type = trim(header.substr(0, semicolon));
  if (semicolon != header.npos) {
    const auto parameter = trim(header.substr(semicolon + 1));
    const bool utf8 = same(parameter, "charset=utf-8") || same(parameter, "charset=\"utf-8\"");
    if (!parameter.empty() && !utf8) return MediaType::other;
  }
  if (same(type, "application/json")) return MediaType::json;
  if (same(type, "application/x-www-form-urlencoded")) return MediaType::form;
  return MediaType::other;
}

std::optional<std::string> form_payload(std::string_view body) {
  constexpr std::string_view key = "payload=";
  std::optional<std::string> payload;
  while (!body.empty()) {
    const auto end = body.find('&');
    const auto field = body.substr(0, end);
    body.remove_prefix(end == body.npos ? body.size() : end + 1);
    if (!field.starts_with(key)) continue;
    if (payload) return std::nullopt;
    payload = decode(field.substr(key.size()));
    if (!payload) return std::nullopt;
  }
  return payload;
}

}  // namespace gitopsd::handlers
