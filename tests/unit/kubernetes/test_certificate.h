// Certificates made on the spot.
#pragma once

#include <string>

#include "base/types.h"

namespace gitopsd::kubernetes {

struct TestCertificate {
  std::string certificate, key;  ///< PEM
};

/// Signed by itself, with a P-256 key.
TestCertificate make_certificate(const std::string& common_name, WallMicros from, WallMicros until);

}  // namespace gitopsd::kubernetes
