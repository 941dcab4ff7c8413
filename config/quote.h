// Text of a file inside a message.
#pragma once

#include <string>
#include <string_view>

namespace gitopsd::config {

/// In double quotes, control bytes escaped, cut after 80 bytes.
std::string in_quotes(std::string_view text);

}  // namespace gitopsd::config
