#include "daemon/store/delivery_key.h"

#include <array>
#include <optional>

#include "daemon/store/nibbles.h"

namespace gitopsd::store {
namespace {

constexpr char kTimed = 'v';   // UUID version 1, re-ordered
constexpr char kRandom = 'w';  // two bytes of week, then 'u' and a UUID or 't' and any text
constexpr WallMicros kWeek = 7LL * 24 * 3600 * 1'000'000;
using Uuid = std::array<char, 16>;

/// Only the one spelling that uuid_text() writes, so that no id is changed by being stored.
std::optional<Uuid> parse_uuid(std::string_view text) {
  constexpr std::array<unsigned char, 16> digits{0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};
  if (text.size() != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-')
    return std::nullopt;
  Uuid out{};
  int invalid = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const int byte = byte_of(text[digits[i]], text[digits[i] + 1u]);
    invalid |= byte;
    out[i] = static_cast<char>(byte);
  }
  if (invalid < 0) return std::nullopt;
  return out;
}

bool dash_at(std::size_t i) {
  return i == 8 || i == 13 || i == 18 || i == 23;
}

std::string uuid_text(const Uuid& uuid) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(36);
  for (char c : uuid) {
    if (dash_at(out.size())) out += '-';
    const auto byte = static_cast<unsigned char>(c);
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

bool version_one(const Uuid& u) {
  return (static_cast<unsigned char>(u[6]) >> 4) == 1;
}

// time_low (4 bytes), time_mid (2), time_high (2) become high, mid, low. The nibbles stay as they are, so the
// way back is exact.
Uuid by_time(const Uuid& u) {
  return {u[6], u[7], u[4],  u[5],  u[0],  u[1],  u[2],  u[3],
          u[8], u[9], u[10], u[11], u[12], u[13], u[14], u[15]};
}

Uuid from_time(const Uuid& u) {
  return {u[4], u[5], u[6],  u[7],  u[2],  u[3],  u[0],  u[1],
          u[8], u[9], u[10], u[11], u[12], u[13], u[14], u[15]};
}

Uuid uuid_of(std::string_view bytes) {
  Uuid out{};
  bytes.copy(out.data(), out.size());
  return out;
}

}  // namespace

DeliveryKey::DeliveryKey(const DeliveryId& id) {
  const auto uuid = parse_uuid(id.str());
  if (!uuid) {
    bytes = "t" + id.str();
    return;
  }
  const bool timed = version_one(*uuid);
  const Uuid stored = timed ? by_time(*uuid) : *uuid;
  bytes.reserve(17);
  bytes += timed ? kTimed : 'u';
  bytes.append(stored.data(), stored.size());
}

int week_of(WallMicros received) {
  return static_cast<int>(received / kWeek) & 0xffff;
}

std::string indexed_key(const DeliveryKey& key, int week) {
  if (key.timed()) return key.bytes;
  const std::array<char, 3> prefix{kRandom, static_cast<char>(week >> 8), static_cast<char>(week & 0xff)};
  return std::string(prefix.data(), prefix.size()) + key.bytes;
}

DeliveryId delivery_id(std::string_view indexed) {
  if (indexed.size() == 17 && indexed.front() == kTimed) {
    return DeliveryId(uuid_text(from_time(uuid_of(indexed.substr(1)))));
  }
  if (indexed.size() < 4) return DeliveryId();
  const auto key = indexed.substr(3);
  if (key.front() == 'u') return DeliveryId(uuid_text(uuid_of(key.substr(1))));
  return DeliveryId(std::string(key.substr(1)));
}

}  // namespace gitopsd::store
