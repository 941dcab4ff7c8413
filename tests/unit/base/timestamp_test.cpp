#include "base/timestamp.h"

#include <doctest/doctest.h>

#include <string>

using namespace gitopsd;

TEST_CASE("RFC 3339 times are read with any offset and fraction") {
  constexpr WallMicros kNoon = 1'795'521'600'000'000;  // date -u -d 2026-11-24T12:00:00Z +%s
  CHECK(parse_rfc3339("2026-11-24T12:00:00Z") == kNoon);
  CHECK(parse_rfc3339("2026-11-24t12:00:00z") == kNoon);
  CHECK(parse_rfc3339("2026-11-24T14:00:00+02:00") == kNoon);
  CHECK(parse_rfc3339("2026-11-24T06:30:00-05:30") == kNoon);
  CHECK(parse_rfc3339("2026-11-24T12:00:00.5Z") == kNoon + 500'000);
  CHECK(parse_rfc3339("2026-11-24T12:00:00.123456789Z") == kNoon + 123'456);
  CHECK(parse_rfc3339("1970-01-01T00:00:00Z") == 0);
}

TEST_CASE("what is no RFC 3339 time is none") {
  for (const std::string bad :
       {"", "yesterday", "2026-11-24", "2026-11-24T12:00Z", "2026-11-24T12:00:00", "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z", "2026-11-24T24:00:00Z", "2026-11-24T12:00:00.Z", "2026-11-24T12:00:00+2",
        "2026-11-24T12:00:00Zx", "-026-11-24T12:00:00Z", "2026-11-24T12:00:00+02:60"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_rfc3339(bad));
  }
}
