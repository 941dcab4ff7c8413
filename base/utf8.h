// UTF-8 (RFC 3629): told apart from other bytes before anything reads or writes it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gitopsd {

/// Bytes of the code point that starts at `at` (below the size), 1 to 4; 0 where the bytes there are no
/// UTF-8: cut short, overlong, a surrogate, beyond U+10FFFF.
std::size_t utf8_size(std::string_view text, std::size_t at);

bool is_utf8(std::string_view text);

/// The text with U+FFFD for every byte that is no part of valid UTF-8.
std::string replace_invalid_utf8(std::string_view text);

}  // namespace gitopsd
