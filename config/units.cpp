#include "config/units.h"

#include <array>
#include <charconv>
#include <string>
#include <utility>

#include "base/problem.h"
#include "config/quote.h"

namespace gitopsd::config {
namespace {

using Unit = std::pair<std::string_view, std::uint64_t>;
constexpr std::array<Unit, 5> kDurations{
    {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
constexpr std::array<Unit, 8> kSizes{{{"", 1},
                                      {"B", 1},
                                      {"kB", 1000},
                                      {"KiB", 1u << 10},
                                      {"MB", 1'000'000},
                                      {"MiB", 1u << 20},
                                      {"GB", 1'000'000'000},
                                      {"GiB", 1u << 30}}};
constexpr std::uint64_t kMost = std::uint64_t{1} << 53;  // exact in JSON editors, too

template <std::size_t N>
std::uint64_t parse(std::string_view text, const std::array<Unit, N>& units, std::string_view what,
                    const char* hint) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc()) {
    const std::string_view suffix(rest, static_cast<std::size_t>(end - rest));
    for (const auto& [unit, factor] : units) {
      if (suffix != unit) continue;
      if (number <= kMost / factor) return number * factor;
      throw fail(ProblemCause::input, in_quotes(text) + " is too large", "at most 2^53");
    }
  }
  throw fail(ProblemCause::input, in_quotes(text) + " is no " + std::string(what), hint);
}

}  // namespace

std::chrono::milliseconds parse_duration(std::string_view text) {
  const auto count = parse(text, kDurations, "duration",
                           "write one whole number and a unit (ms, s, m, h or d), such as 30s, 5m or 90d");
  return std::chrono::milliseconds(static_cast<std::int64_t>(count));
}

std::uint64_t parse_size(std::string_view text) {
  return parse(text, kSizes, "size",
               "write a whole number and a unit (B, KiB, MiB, GiB, kB, MB or GB), such as 25MiB");
}

}  // namespace gitopsd::config
