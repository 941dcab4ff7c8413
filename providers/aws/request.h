// A request to an AWS API before it is signed, with names and values as they are meant, not as they are sent.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/types.h"

namespace gitopsd::aws {

using Fields = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method = "GET";
  std::string path = "/";
  Fields query;
  Fields headers;  ///< without Host and what the signer adds
  std::string body;
  std::optional<Sha256> digest{};  ///< of the body, where it is known already
};

/// All but RFC 3986's unreserved characters and those of `keep` as %XX, in upper case as AWS wants it.
std::string percent_encode(std::string_view text, std::string_view keep = {});
/// As it stands in a URL, sorted by what is sent: that is also the canonical form of Signature Version 4.
std::string canonical_query(const Fields& query);
/// `application/x-www-form-urlencoded`, with a blank as `+`: what both AWS and moto read.
std::string form_body(const Fields& fields);

}  // namespace gitopsd::aws
