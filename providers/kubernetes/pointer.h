// Pointers that people write into settings and policies: RFC 6901, and in a list the token `KEY=VALUE`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.h"

namespace gitopsd::kubernetes {

/// As they are written, still escaped; none for what does not begin with a slash.
std::vector<std::string> pointer_tokens(std::string_view pointer);
std::string unescaped_token(std::string_view token);

/// The item of a list that a token chooses: by its place, or the first whose member KEY is that text (or
/// number).
std::optional<std::size_t> chosen_item(const Value::Array& list, std::string_view token);

/// nullptr where nothing is there.
const Value* at_chosen(const Value& object, std::string_view pointer);

}  // namespace gitopsd::kubernetes
