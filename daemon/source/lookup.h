// Host names to addresses, within a deadline.
#pragma once

#include <sys/socket.h>

#include <string>
#include <vector>

#include "daemon/source/operation.h"

namespace gitopsd::source {

struct Endpoint {
  sockaddr_storage address{};
  socklen_t size = 0;
};

/// In getaddrinfo(3)'s order, at least one. Throws Failure (transient).
std::vector<Endpoint> look_up(const Operation&, const std::string& host, const std::string& port, Deadline);

}  // namespace gitopsd::source
