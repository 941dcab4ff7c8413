// The API's values as people read them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/types.h"
#include "base/value.h"
#include "ctl/table.h"

namespace gitopsd::ctl {

// Of a member that may be null or missing: then empty.
std::string text_of(const Value& object, std::string_view key);
std::string number_of(const Value& object, std::string_view key);
/// The first ten digits.
std::string commit_of(const Value& object, std::string_view key);
/// A time as its age: "12s", "5m", "3h", "8d".
std::string age_of(const Value& object, std::string_view key, WallMicros now);
/// Milliseconds as a duration.
std::string milliseconds_of(const Value& object, std::string_view key);
/// `refs/heads/main` as `main`, a tag as `tag v1`.
std::string ref_of(const Value& object, std::string_view key);
/// The first line.
std::string first_line(std::string_view text);

/// Made safe, further lines indented, so that they are not taken for news.
std::string lines_below(std::string_view text);

/// "0.8 ms", "12 ms", "3.4 s", "5m 20s", "3h 5m", "8d 2h".
std::string duration(double milliseconds);
std::string age(WallMicros then, WallMicros now);
/// The API's form of time; nullopt for anything else.
std::optional<WallMicros> parse_time(std::string_view rfc3339);
/// What --since takes: a duration before now (`2h`) or an RFC 3339 time. Throws UsageError.
std::string since(const std::string& text, WallMicros now);

/// Events, syncs and applications: how good a state, status or health is.
Colour colour_of(std::string_view word);
/// "waiting_health" as "waiting health", in its colour.
Cell word_of(const Value& object, std::string_view key);
/// An application's heals: "3 times since the last succeeded sync, last 5m ago: file:/a, file:/b", or empty.
std::string put_back(const Value& heals, WallMicros now);
/// "+3 ~1 -2 =10", without the parts that are 0.
std::string counts_of(const Value& sync);

}  // namespace gitopsd::ctl
