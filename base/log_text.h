// How a log line looks to people.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "base/log.h"

namespace gitopsd::log {

/// `MESSAGE key=value key="a value"`, on one line. What others wrote (refs, paths, names) cannot move a
/// terminal's cursor, reorder what is shown, or forge a line or a field: such characters are escaped.
std::string line(std::string_view message, std::initializer_list<Field> fields);

}  // namespace gitopsd::log
