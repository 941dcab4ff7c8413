#include "daemon/api/target.h"

#include <doctest/doctest.h>

#include "daemon/api/redact.h"
#include "daemon/api/refusal.h"

using namespace gitopsd;
using namespace gitopsd::api;

TEST_CASE("a target is taken apart and decoded") {
  const Target target =
      parse_target("/v1/applications/a%2Fb%20c/sync?state=failed&since=2026-01-01T00%3A00%3A00%2B01:00&x");
  CHECK(target.segments == std::vector<std::string>{"v1", "applications", "a/b c", "sync"});
  CHECK(target.query.at("state") == "failed");
  CHECK(target.query.at("since") == "2026-01-01T00:00:00+01:00");
  CHECK(target.query.at("x").empty());
}

TEST_CASE("a plus is a space in a query and itself in a path") {
  const Target target = parse_target("/a+b?c=d+e");
  CHECK(target.segments.front() == "a+b");
  CHECK(target.query.at("c") == "d e");
}

TEST_CASE("bad targets are refused") {
  for (const std::string bad :
       {"", "v1/status", "*", "http://host/v1", "/v1/%", "/v1/%4", "/v1/%zz", "/v1/a%00b", "/v1?a=1&a=2"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(parse_target(bad), Refusal);
  }
}

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

TEST_CASE("numbers are read whole and within their bounds") {
  CHECK(parse_number("1", "limit", 1, 500) == 1);
  CHECK(parse_number("500", "limit", 1, 500) == 500);
  for (const std::string bad : {"", "0", "501", "-1", "1.5", "1x", " 1", "99999999999999999999"}) {
    CAPTURE(bad);
    CHECK_THROWS_WITH_AS(parse_number(bad, "limit", 1, 500), doctest::Contains("limit"), Refusal);
  }
}

TEST_CASE("passwords in URLs are covered, the rest of them is not") {
  CHECK(without_password("https://bot:hunter2@git.example.org/a.git") ==
        "https://bot:***@git.example.org/a.git");
  CHECK(without_password("https://bot:p@ss@host/a") == "https://bot:***@host/a");
  CHECK(without_password("https://bot@git.example.org/a.git") == "https://bot@git.example.org/a.git");
  CHECK(without_password("https://git.example.org:8443/a@b:c") == "https://git.example.org:8443/a@b:c");
  CHECK(without_password("git@git.example.org:a/b.git") == "git@git.example.org:a/b.git");
  CHECK(without_password("ssh://git:x@git.example.org:22/a") == "ssh://git:***@git.example.org:22/a");
}
