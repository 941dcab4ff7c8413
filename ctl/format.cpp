#include "ctl/format.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>

#include "base/clock.h"
#include "config/units.h"
#include "ctl/session.h"

namespace gitopsd::ctl {
namespace {

std::string printed(const char* format, double number) {
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, number);
  return buffer.data();
}

std::string two_units(long long large, const char* large_unit, long long small, const char* small_unit) {
  auto out = std::to_string(large) + large_unit;
  if (small > 0) out += " " + std::to_string(small) + small_unit;
  return out;
}

}  // namespace

std::string text_of(const Value& object, std::string_view key) {
  const auto* member = object.find(key);
  return member != nullptr && member->is_string() ? member->as_string() : "";
}

std::string number_of(const Value& object, std::string_view key) {
  const auto* member = object.find(key);
  return member != nullptr && member->is_int() ? std::to_string(member->as_int()) : "";
}

std::string commit_of(const Value& object, std::string_view key) {
  return text_of(object, key).substr(0, 10);
}

std::string age_of(const Value& object, std::string_view key, WallMicros now) {
  const auto then = parse_time(text_of(object, key));
  return then ? age(*then, now) : "";
}

std::string milliseconds_of(const Value& object, std::string_view key) {
  const auto* member = object.find(key);
  return member != nullptr && (member->is_double() || member->is_int()) ? duration(member->as_double()) : "";
}

std::string ref_of(const Value& object, std::string_view key) {
  auto ref = text_of(object, key);
  if (ref.starts_with("refs/heads/")) return ref.substr(11);
  if (ref.starts_with("refs/tags/")) return "tag " + ref.substr(10);
  return ref;
}

std::string first_line(std::string_view text) {
  const auto end = text.find('\n');
  if (end == text.npos) return std::string(text);
  return std::string(text.substr(0, end)) + " …";
}

std::string lines_below(std::string_view text) {
  std::string out = safe(text, true);
  while (out.ends_with('\n')) out.pop_back();
  for (auto at = out.find('\n'); at != out.npos; at = out.find('\n', at + 1)) out.insert(at + 1, "    ");
  return out;
}

std::string duration(double milliseconds) {
  if (milliseconds < 10) return printed("%.1f ms", milliseconds);
  if (milliseconds < 999.5) return printed("%.0f ms", milliseconds);
  if (milliseconds < 59'950) return printed("%.1f s", milliseconds / 1000);
  const auto seconds = static_cast<long long>(std::llround(milliseconds / 1000));
  if (seconds < 3600) return two_units(seconds / 60, "m", seconds % 60, "s");
  if (seconds < 86'400) return two_units(seconds / 3600, "h", seconds / 60 % 60, "m");
  return two_units(seconds / 86'400, "d", seconds / 3600 % 24, "h");
}

std::string age(WallMicros then, WallMicros now) {
  const auto seconds = std::max<WallMicros>(0, now - then) / 1'000'000;
  if (seconds < 120) return std::to_string(seconds) + "s";
  if (seconds < 7200) return std::to_string(seconds / 60) + "m";
  if (seconds < 172'800) return std::to_string(seconds / 3600) + "h";
  return std::to_string(seconds / 86'400) + "d";
}

std::optional<WallMicros> parse_time(std::string_view text) {
  std::tm parts{};
  int millis = 0;
  int end = 0;
  const std::string whole(text);
  const int read = std::sscanf(whole.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &parts.tm_year, &parts.tm_mon,
                               &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &millis, &end);
  if (read != 7 || static_cast<std::size_t>(end) != whole.size()) return std::nullopt;
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  return (static_cast<WallMicros>(timegm(&parts)) * 1000 + millis) * 1000;
}

std::string since(const std::string& text, WallMicros now) {
  if (text.find('T') != text.npos) return text;
  try {
    return rfc3339(now - WallMicros{config::parse_duration(text).count()} * 1000);
  } catch (const Failure&) {
    throw UsageError("--since takes a duration such as 2h or 7d, or a time such as 2026-11-24T08:15:30Z");
  }
}

Colour colour_of(std::string_view word) {
  constexpr std::array good{"succeeded", "synced", "healthy"};
  constexpr std::array bad{"failed", "degraded", "missing", "source_missing", "contested", "not_converging"};
  constexpr std::array open{"held",        "running",   "fetching",       "rendering",
                            "planning",    "applying",  "waiting_health", "backing_off",
                            "progressing", "suspended", "out_of_sync",    "queued"};
  constexpr std::array over{"superseded", "ignored", "cancelled", "idle", "unknown"};
  const auto among = [&](const auto& words) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  if (among(good)) return Colour::green;
  if (among(bad)) return Colour::red;
  if (among(open)) return Colour::yellow;
  return among(over) ? Colour::dim : Colour::none;
}

Cell word_of(const Value& object, std::string_view key) {
  auto word = text_of(object, key);
  const auto colour = colour_of(word);
  std::replace(word.begin(), word.end(), '_', ' ');
  return {word, colour};
}

std::string put_back(const Value& heals, WallMicros now) {
  const auto count = heals.get_int("count");
  if (count == 0) return {};
  std::string out = (count == 1 ? "once" : std::to_string(count) + " times") +
                    std::string(" since the last succeeded sync, last ") + age_of(heals, "last", now) +
                    " ago";
  const auto& resources = heals.get_array("resources");
  for (std::size_t i = 0; i < resources.size() && i < 3; ++i)
    out += (i == 0 ? ": " : ", ") + resources[i].as_string();
  if (resources.size() > 3) out += " and " + std::to_string(resources.size() - 3) + " more";
  return out;
}

std::string counts_of(const Value& sync) {
  std::string out;
  for (const auto& [key, sign] : {std::pair("created", "+"), std::pair("updated", "~"),
                                  std::pair("deleted", "-"), std::pair("unchanged", "=")}) {
    const auto count = number_of(sync, key);
    if (count.empty() || count == "0") continue;
    out += (out.empty() ? "" : " ") + (sign + count);
  }
  return out;
}

}  // namespace gitopsd::ctl
