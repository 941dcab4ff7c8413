// Credentials as services and programs write them.
#pragma once

#include <string>

#include "base/value.h"
#include "providers/aws/signature.h"

namespace gitopsd::aws {

/// A JSON object with `AccessKeyId`, `SecretAccessKey`, `Token` or `SessionToken`, and `Expiration` (RFC
/// 3339). Throws Failure (destination) that says whose answer it was.
Credentials read_credentials(const std::string& json, const std::string& whose);
/// The same as an STS answer has it, in `<Credentials>`.
Credentials sts_credentials(const Value& result, const std::string& whose);

}  // namespace gitopsd::aws
