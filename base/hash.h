// Digests and encodings, by OpenSSL.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/types.h"

namespace gitopsd {

Sha256 sha256(std::string_view bytes);
/// RFC 2104 with SHA-256. The key may be of any length.
Sha256 hmac_sha256(std::string_view key, std::string_view bytes);

/// SHA-256 over pieces. With a key it is HMAC-SHA-256.
class Hasher {
 public:
  Hasher();
  explicit Hasher(std::string_view hmac_key);
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  Hasher& update(std::string_view bytes);
  /// Adds the length (8 bytes, big-endian) and then the bytes, so that no two sequences of fields hash alike.
  Hasher& field(std::string_view bytes);
  Sha256 finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string to_hex(std::span<const std::uint8_t> bytes);
/// Either case; nullopt for an odd length or any other character.
std::optional<std::string> from_hex(std::string_view text);
/// RFC 4648 section 4, with padding.
std::string to_base64(std::string_view bytes);
/// Strict: padding needed, no white space; nullopt otherwise.
std::optional<std::string> from_base64(std::string_view text);

/// Cryptographically random bytes.
std::string random_bytes(std::size_t count);
/// A random (version 4) UUID, RFC 9562, lower case.
std::string random_uuid();

}  // namespace gitopsd
