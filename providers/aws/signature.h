// AWS Signature Version 4.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
//
// Of our own, since libcurl's (CURLOPT_AWS_SIGV4 of 7.88) signs some requests wrongly and leaves no way
// round: headers of which one's name begins with another's, a date of one's own (needed where the clock is
// wrong), and repeated headers.
#pragma once

#include <optional>
#include <string>

#include "base/secret.h"
#include "base/types.h"
#include "providers/aws/request.h"

namespace gitopsd::aws {

struct Credentials {
  std::string access_key_id;
  Secret secret_access_key;
  Secret session_token;                 ///< empty for those of a user
  std::optional<WallMicros> expires{};  ///< never, where it is missing
};

/// Whom a signature is for.
struct Scope {
  std::string region;
  std::string service;  ///< the signing name: "sts", "cloudformation", "s3"
  /// Of all but S3. That they encode it once more besides is left out: all that we ask them has the path "/".
  bool normalise_path = true;
  bool payload_header = false;  ///< S3 wants the body's digest as a header, too
};

struct Signature {
  std::string canonical_request, string_to_sign;  ///< what AWS compares: for errors and tests
  Fields headers;                                 ///< to be sent beside the request's own
};

/// `host` is the Host header. `payload` is the body's SHA-256 in hex. Every header of the request is signed.
Signature sign(const Request&, const std::string& host, const std::string& payload, const Credentials&,
               const Scope&, WallMicros now);

}  // namespace gitopsd::aws
