#include "providers/kubernetes/token.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "base/hash.h"
#include "base/json.h"
#include "base/problem.h"
#include "base/secret.h"
#include "base/timestamp.h"

namespace gitopsd::kubernetes {
namespace {

/// The part between the dots, or null.
Value claims_of(std::string_view token) {
  const auto first = token.find('.');
  const auto second = first == token.npos ? token.npos : token.find('.', first + 1);
  if (second == token.npos) return {};
  std::string text(token.substr(first + 1, second - first - 1));
  std::replace(text.begin(), text.end(), '-', '+');
  std::replace(text.begin(), text.end(), '_', '/');
  text.append((4 - text.size() % 4) % 4, '=');
  auto json = from_base64(text);
  wipe(text.data(), text.size());
  if (!json) return {};
  try {
    Value claims = parse_json(*json, "the token");
    wipe(json->data(), json->size());
    return claims;
  } catch (const Failure&) {
    return {};
  }
}

/// Of a NumericDate: seconds since 1970.
std::optional<WallMicros> time_of(const Value& claims, std::string_view name) {
  constexpr std::int64_t kLatest = std::numeric_limits<WallMicros>::max() / 1'000'000;
  const Value* claim = claims.is_object() ? claims.find(name) : nullptr;
  if (!claim || !claim->is_int()) return std::nullopt;
  const auto seconds = claim->as_int();
  if (seconds <= 0 || seconds > kLatest) return std::nullopt;
  return seconds * 1'000'000;
}

}  // namespace

std::string token_problem(std::string_view token, WallMicros wall_now) {
  const Value claims = claims_of(token);
  if (const auto until = time_of(claims, "exp"); until && wall_now >= *until)
    return "expired at " + rfc3339(*until).substr(0, 19) + "Z";
  if (const auto from = time_of(claims, "nbf"); from && wall_now < *from)
    return "is not valid before " + rfc3339(*from).substr(0, 19) + "Z";
  return {};
}

}  // namespace gitopsd::kubernetes
