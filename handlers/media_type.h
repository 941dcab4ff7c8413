// The two content types that forges send, and how a form's JSON is got out of it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gitopsd::handlers {

enum class MediaType { json, form, other };

/// Of a Content-Type header: parameters are dropped, a charset other than UTF-8 is `other`.
MediaType media_type(std::string_view header);

/// The decoded value of the one field `payload` (application/x-www-form-urlencoded, WHATWG URL section 5.1);
/// nullopt when there is none, more than one, or a broken escape.
std::optional<std::string> form_payload(std::string_view body);

}  // namespace gitopsd::handlers
