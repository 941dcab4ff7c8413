// JSON text to Value and back, by RapidJSON.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/value.h"

namespace gitopsd {

inline constexpr int kMaxDepth = 128;  ///< nesting of anything that we read

/// Parses RFC 8259 text: whole input, valid UTF-8, at most kMaxDepth deep, unique keys. Integers beyond 64
/// bits are refused (RapidJSON would round them). Throws Failure (cause input) with line and column. `file`
/// is named in the error.
Value parse_json(std::string_view text, std::string_view file = {});
/// The same for what programs in Go write, which print a large floating-point number as an integer: one
/// beyond 64 bits is read as the number that it rounds to.
Value parse_go_json(std::string_view text, std::string_view file = {});

/// Compact, keys sorted, UTF-8 as it is, doubles in their shortest form that reads back equal. This is also
/// the canonical form that document digests are made of.
std::string to_json(const Value& value);
/// The same with two spaces of indentation, for people.
std::string to_pretty_json(const Value& value);

}  // namespace gitopsd
