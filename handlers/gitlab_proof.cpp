#include "handlers/gitlab_proof.h"

#include <charconv>
#include <optional>
#include <vector>

#include "base/hash.h"
#include "handlers/proof.h"

namespace gitopsd::handlers {
namespace {

constexpr std::string_view kSigningPrefix = "whsec_";
constexpr std::int64_t kToleranceSeconds = 300;
constexpr std::size_t kMaxSignatures = 16;

bool is_signing(const Secret& secret) {
  return secret.reveal().starts_with(kSigningPrefix);
}

bool any_signing(std::span<const Secret> secrets) {
  for (const Secret& secret : secrets)
    if (is_signing(secret)) return true;
  return false;
}

std::optional<std::int64_t> parse_seconds(std::string_view text) {
  std::int64_t seconds = 0;
  if (text.empty() || text.size() > 12) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc{} || end != text.data() + text.size() || seconds < 0) return std::nullopt;
  return seconds;
}

/// The v1 signatures of a header such as `v1,BASE64 v1,BASE64`; other versions are passed over.
std::vector<Sha256> parse_signatures(std::string_view header) {
  std::vector<Sha256> found;
  while (!header.empty() && found.size() < kMaxSignatures) {
    const auto space = header.find(' ');
    const auto one = header.substr(0, space);
    header.remove_prefix(space == header.npos ? header.size() : space + 1);
    if (!one.starts_with("v1,")) continue;
    const auto bytes = from_base64(one.substr(3));
    if (!bytes || bytes->size() != sizeof(Sha256)) continue;
    std::copy(bytes->begin(), bytes->end(), reinterpret_cast<char*>(found.emplace_back().data()));
  }
  return found;
}

bool any_matches(const Delivery& delivery, std::span<const Secret> secrets,
                 const std::vector<Sha256>& claimed) {
  const auto id = delivery.headers.find("webhook-id");
  const auto timestamp = delivery.headers.find("webhook-timestamp");
  bool matches = false;
  for (const Secret& secret : secrets) {
    if (!is_signing(secret)) continue;
    auto key = from_base64(secret.reveal().substr(kSigningPrefix.size()));
    if (!key || key->empty()) continue;
    const Sha256 mac =
        Hasher(*key).update(id).update(".").update(timestamp).update(".").update(delivery.body).finish();
    wipe(key->data(), key->size());
    for (const Sha256& one : claimed) matches |= constant_time_equal(mac, one);
  }
  return matches;
}

std::string signature_problem(const Delivery& delivery, std::span<const Secret> secrets) {
  const Headers& headers = delivery.headers;
  for (const char* name : {"webhook-id", "webhook-timestamp", "webhook-signature"})
    if (headers.count(name) != 1) return std::string("not exactly one ") + name + " header";
  // A dot in the id would let a signed text be split in another place.
  const auto id = headers.find("webhook-id");
  if (!valid_delivery_id(id) || id.find('.') != id.npos) return "webhook-id is no delivery id";
  const auto seconds = parse_seconds(headers.find("webhook-timestamp"));
  if (!seconds) return "webhook-timestamp is no time in seconds";
  const std::int64_t off = *seconds - delivery.now / 1'000'000;
  if (off > kToleranceSeconds || off < -kToleranceSeconds)
    return "webhook-timestamp is more than 5 minutes off: check both clocks";
  const auto claimed = parse_signatures(headers.find("webhook-signature"));
  if (claimed.empty()) return "webhook-signature holds no v1 signature";
  if (!any_matches(delivery, secrets, claimed))
    return "webhook-signature does not match: the signing tokens differ, or the body was changed";
  return {};
}

std::string token_problem(const Headers& headers, std::span<const Secret> secrets) {
  if (headers.count("X-Gitlab-Token") == 0) return "neither a signature nor an X-Gitlab-Token header";
  if (headers.count("X-Gitlab-Token") > 1) return "more than one X-Gitlab-Token header";
  const auto token = headers.find("X-Gitlab-Token");
  bool matches = false;
  for (const Secret& secret : secrets)
    if (!is_signing(secret) && !secret.empty()) matches |= secret.equals(token);
  return matches ? "" : "X-Gitlab-Token does not match";
}

}  // namespace

GitLabProof prove_gitlab(const Delivery& delivery, std::span<const Secret> secrets) {
  const bool is_signed = delivery.headers.count("webhook-signature") > 0 && any_signing(secrets);
  if (is_signed) return {signature_problem(delivery, secrets), true};
  return {token_problem(delivery.headers, secrets), false};
}

}  // namespace gitopsd::handlers
