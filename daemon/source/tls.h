// TLS 1.2 and 1.3 over a connected socket, by OpenSSL.
#pragma once

#include <memory>
#include <string>

#include "daemon/source/stream.h"

namespace gitopsd::source {

/// Shakes hands and checks the certificate against `host`, by the authorities in `ca_file` (PEM), or the
/// system's where that is empty. Throws Failure: permission for a certificate that is not right.
std::unique_ptr<Stream> start_tls(const Operation&, std::unique_ptr<TcpStream>, const std::string& host,
                                  const std::string& ca_file);

}  // namespace gitopsd::source
