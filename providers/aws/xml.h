// Answers of AWS's query protocol, by pugixml.
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
#pragma once

#include <string>
#include <string_view>

#include "base/value.h"

namespace gitopsd::aws {

/// What `<ActionResult>` holds, null where the action answers nothing: an element of `member`s is a list, one
/// of others a mapping, a text a string, an empty one null. Throws Failure (destination) for what is no
/// `<ActionResponse>`: a proxy's page must not read like an account without stacks.
Value read_answer(std::string_view text, const std::string& action);

struct ErrorAnswer {
  std::string code, message;  ///< empty where it is none of AWS's
  std::string region{};       ///< of S3: where the bucket is
};
/// `<ErrorResponse><Error>`, or S3's `<Error>`.
ErrorAnswer read_error(std::string_view text);

}  // namespace gitopsd::aws
