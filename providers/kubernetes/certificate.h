// Which certificate of a PEM text keeps a connection from working.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/types.h"

namespace gitopsd::kubernetes {

/// What is wrong with the certificates of `pem` at that time: none in it, one that cannot be read, expired or
/// not valid yet, each by its subject. nullopt when all are good. Keys and other blocks are passed over.
std::optional<std::string> certificate_problem(std::string_view pem, WallMicros wall_now);

/// Why this private key (PEM) cannot prove the first certificate of that text: unreadable (an encrypted one
/// too), or another certificate's. nullopt when they fit.
std::optional<std::string> key_problem(std::string_view certificate_pem, std::string_view key_pem);

}  // namespace gitopsd::kubernetes
