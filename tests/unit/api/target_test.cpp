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
