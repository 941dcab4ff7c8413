// Durations and sizes as people write them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

namespace gitopsd::config {

/// `250ms`, `30s`, `5m`, `12h` or `90d`: one whole number and one unit. Throws Failure.
std::chrono::milliseconds parse_duration(std::string_view text);
/// `4096B`, `16KiB`, `25MiB`, `1GiB`, or with decimal units `16kB`, `25MB`, `1GB`, or a bare number of bytes.
/// Throws Failure.
std::uint64_t parse_size(std::string_view text);

}  // namespace gitopsd::config
