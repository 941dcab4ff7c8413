#include "handlers/proof.h"

#include <algorithm>

namespace gitopsd::handlers {
namespace {

constexpr std::string_view kPrefix = "sha256=";

int lower_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

std::optional<Sha256> parse_hub_signature(std::string_view header) {
  if (header.size() != kPrefix.size() + 64 || !header.starts_with(kPrefix)) return std::nullopt;
  header.remove_prefix(kPrefix.size());
  Sha256 mac{};
  for (std::size_t i = 0; i < mac.size(); ++i) {
    const int high = lower_digit(header[2 * i]), low = lower_digit(header[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    mac[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return mac;
}

std::optional<Sha256> verify_hmac(std::span<const Secret> secrets, std::string_view body,
                                  const Sha256& claimed) {
  std::optional<Sha256> proven;
  for (const Secret& secret : secrets) {
    if (secret.empty()) continue;
    const Sha256 mac = hmac_sha256(secret.reveal(), body);
    if (constant_time_equal(mac, claimed)) proven = mac;
  }
  return proven;
}

bool valid_delivery_id(std::string_view id) {
  return !id.empty() && id.size() <= 128 &&
         std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

std::string printable_header(std::string_view value) {
  std::string text(value.substr(0, 128));
  for (char& c : text)
    if (c < ' ' || c >= 0x7f) c = '?';
  return text;
}

Outcome unauthenticated(std::string reason) {
  Outcome outcome;
  end(outcome, Outcome::Kind::unauthenticated, std::move(reason));
  return outcome;
}

Outcome& end(Outcome& outcome, Outcome::Kind kind, std::string reason) {
  outcome.kind = kind;
  outcome.reason = std::move(reason);
  return outcome;
}

}  // namespace gitopsd::handlers
