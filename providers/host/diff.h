// What a plan shows of a change of content.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gitopsd::host {

/// Printable UTF-8 text, by what a terminal shows of it.
bool is_text(std::string_view bytes);

/// Unified diff with three lines of context, at most about 16 KiB; nullopt is "not there". Bytes that are no
/// text are told by their sizes.
std::string unified_diff(const std::string& path, const std::optional<std::string>& before,
                         const std::optional<std::string>& after);

}  // namespace gitopsd::host
