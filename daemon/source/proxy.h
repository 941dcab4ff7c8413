// HTTP proxies, plain and by CONNECT (RFC 9110, 9.3.6).
#pragma once

#include <memory>

#include "daemon/source/address.h"
#include "daemon/source/stream.h"

namespace gitopsd::source {

/// Connects to the remote's proxy; with `tunnel`, asks it for a tunnel to `origin`. Throws Failure.
std::unique_ptr<TcpStream> connect_proxy(const Operation&, const Address& origin, bool tunnel);

}  // namespace gitopsd::source
