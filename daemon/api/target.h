// Request targets (RFC 9112, 3.2.1) taken apart, and the values that queries carry.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gitopsd::api {

struct Target {
  std::vector<std::string> segments;         ///< of the path, percent-decoded
  std::map<std::string, std::string> query;  ///< percent-decoded; '+' is a space
};

/// Throws Refusal (400) for bad percent-encoding, NUL bytes, a key given twice, or a target that is no
/// absolute path.
Target parse_target(std::string_view target);

/// A decimal number within the bounds. Throws Refusal (400) that names `what`.
std::int64_t parse_number(std::string_view text, std::string_view what, std::int64_t least,
                          std::int64_t most);

}  // namespace gitopsd::api
