// Authenticated encryption of what the store keeps of secrets: AES-256-GCM, by OpenSSL.
#pragma once

#include <string>
#include <string_view>

#include "base/secret.h"

namespace gitopsd::sync {

/// A random 96-bit nonce each time; the key is derived from the store's by HMAC, so that it serves nothing
/// else.
std::string seal(std::string_view store_key, std::string_view plain);
bool is_sealed(std::string_view bytes);
/// Throws Failure (cause internal) when the bytes were changed or the key is another.
std::string unseal(std::string_view store_key, std::string_view sealed);

}  // namespace gitopsd::sync
