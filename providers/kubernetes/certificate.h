// Which certificate of a PEM text keeps a connection from working.
#pragma once

#include <openssl/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/types.h"

namespace gitopsd::kubernetes {

/// What is wrong with the certificates of `pem` at that time: none in it, one that cannot be read, expired or
/// not valid yet, each by its subject. nullopt when all are good. Keys and other blocks are passed over.
std::optional<std::string> certificate_problem(std::string_view pem, WallMicros wall_now);

/// As RFC 2253 writes it.
std::string subject_of(const X509*);
std::string issuer_of(const X509*);
/// "the certificate of 'CN=a' expired at ...", or that it is not valid yet.
std::optional<std::string> date_problem(const X509*, WallMicros wall_now);

/// Whether that PEM text is a key that only a password opens (RFC 5958, or OpenSSL's older form).
bool is_encrypted_key(std::string_view pem);

/// Why this private key (PEM) cannot prove the first certificate of that text: unreadable (an encrypted one
/// too), or another certificate's. nullopt when they fit.
std::optional<std::string> key_problem(std::string_view certificate_pem, std::string_view key_pem);

}  // namespace gitopsd::kubernetes
