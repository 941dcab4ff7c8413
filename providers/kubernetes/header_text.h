// What may stand in a value of an HTTP header.
#pragma once

#include <string>
#include <string_view>

namespace gitopsd::kubernetes {

/// No control characters.
bool is_header_text(std::string_view text);

/// What keeps a text from being a bearer token ("is empty", ...), or empty. RFC 6750 allows less still, but
/// servers do not.
std::string token_fault(std::string_view token);

/// Without white space at its ends, as client-go takes tokens from files.
std::string_view trimmed(std::string_view text);

}  // namespace gitopsd::kubernetes
