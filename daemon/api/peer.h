// Who may use the operator's socket.
#pragma once

#include <optional>
#include <string>

#include "config/config.h"
#include "daemon/api/request.h"

namespace gitopsd::api {

/// SO_PEERCRED of a connected Unix socket; nullopt where the kernel does not say.
std::optional<Peer> peer_of(int socket);

/// The caller's user name (its number where it has none) if it is root, the daemon's own user, or one that
/// the configuration names. Throws Refusal (403). May block in the name service.
std::string authorize(const std::optional<Peer>&, const config::Config&);

}  // namespace gitopsd::api
