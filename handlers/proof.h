// What forges' proofs have in common: one header, one exact form, every secret tried in constant time.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "base/hash.h"
#include "base/secret.h"
#include "base/types.h"
#include "handlers/handler.h"

namespace gitopsd::handlers {

/// `sha256=` and 64 lower-case hexadecimal digits, nothing else.
std::optional<Sha256> parse_hub_signature(std::string_view header);

/// The HMAC-SHA-256 of `body` under the first secret that gives `claimed`; nullopt when none does. Every
/// secret is tried, so that the time does not tell which one matched.
std::optional<Sha256> verify_hmac(std::span<const Secret> secrets, std::string_view body,
                                  const Sha256& claimed);

/// A delivery id that can be stored and printed: 1 to 128 visible ASCII characters.
bool valid_delivery_id(std::string_view id);

/// A header's text for the operator: at most 128 bytes, what is not visible ASCII or a space replaced.
std::string printable_header(std::string_view value);

Outcome unauthenticated(std::string reason);
/// Gives `outcome` its kind and why; the outcome itself, for `return`.
Outcome& end(Outcome& outcome, Outcome::Kind kind, std::string reason);

}  // namespace gitopsd::handlers
