// What a bearer token tells of itself, where it is a JSON Web Token (RFC 7519).
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"

namespace gitopsd::kubernetes {

/// "expired at 2026-01-02T03:04:05Z", or that it is not valid yet; empty where it is valid, and of a token of
/// another form. Nothing is verified, and nothing else of it is told.
std::string token_problem(std::string_view token, WallMicros wall_now);

}  // namespace gitopsd::kubernetes
