// How a YAML scalar becomes a value: YAML 1.1 as go-yaml v2 resolves it, which is what kubectl uses.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/value.h"

namespace gitopsd {

/// `tag` as yaml-cpp gives it: "?" plain, "!" quoted or block, or a full tag. Throws Failure without a
/// position: infinities, NaN, a tag that does not fit its text.
Value resolve_yaml_scalar(std::string_view tag, std::string_view text);

/// The same for a scalar that stands as a mapping key.
Value resolve_yaml_key(std::string_view tag, std::string_view text);

/// The canonical text of a scalar used as a mapping key; nullopt for null.
std::optional<std::string> yaml_key_text(const Value& key);

}  // namespace gitopsd
