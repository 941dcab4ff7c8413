// What the audit chain says of an operator's word.
#pragma once

#include <string>
#include <string_view>

#include "base/types.h"
#include "base/value.h"

namespace gitopsd::sync {

/// JSON of the entry; `more` adds members.
std::string audit_of(std::string_view action, const std::string& who, const ApplicationName&,
                     Value more = {});

}  // namespace gitopsd::sync
