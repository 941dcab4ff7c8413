// Times as others write them; rfc3339() in clock.h writes ours.
#pragma once

#include <optional>
#include <string_view>

#include "base/types.h"

namespace gitopsd {

/// RFC 3339 with any offset; fractions beyond microseconds are cut. nullopt when it is none.
std::optional<WallMicros> parse_rfc3339(std::string_view text);

}  // namespace gitopsd
