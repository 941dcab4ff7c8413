// One request, signed, without any retry.
#pragma once

#include <string>

#include "base/types.h"
#include "providers/aws/endpoint.h"
#include "providers/aws/signature.h"

namespace gitopsd::aws {

struct Outgoing {
  std::string url;
  Fields headers;
  std::string body;
  std::string method = "POST";
};

/// POST, to be sent. `credentials` nullptr: unsigned, as an action that takes a token instead wants it.
Outgoing query_request(const Service&, const std::string& action, Fields parameters, const Settings&,
                       const Credentials*, WallMicros now);

/// Of a service whose paths are signed as they are, and bodies by a digest in a header: S3. `base` begins the
/// URL, before the path.
Outgoing rest_request(const Service&, const std::string& base, const Request&, const Settings&,
                      const Credentials&, WallMicros now);

}  // namespace gitopsd::aws
