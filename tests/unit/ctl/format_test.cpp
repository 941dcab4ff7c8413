#include "ctl/format.h"

#include <doctest/doctest.h>

#include "base/clock.h"
#include "ctl/session.h"

using namespace gitopsd;
using namespace gitopsd::ctl;

TEST_CASE("durations change their unit") {
  CHECK(duration(0.04) == "0.0 ms");
  CHECK(duration(0.84) == "0.8 ms");
  CHECK(duration(12.4) == "12 ms");
  CHECK(duration(999.4) == "999 ms");
  CHECK(duration(999.6) == "1.0 s");
  CHECK(duration(3'420) == "3.4 s");
  CHECK(duration(59'999) == "1m");
  CHECK(duration(320'000) == "5m 20s");
  CHECK(duration(3'600'000 + 300'000) == "1h 5m");
  CHECK(duration(86'400'000.0 * 8 + 7'200'000) == "8d 2h");
}

TEST_CASE("ages change their unit and are never negative") {
  const auto seconds = [](WallMicros n) { return n * 1'000'000; };
  CHECK(age(0, seconds(12)) == "12s");
  CHECK(age(0, seconds(119)) == "119s");
  CHECK(age(0, seconds(120)) == "2m");
  CHECK(age(0, seconds(3L * 3600)) == "3h");
  CHECK(age(0, seconds(8L * 86400 + 5)) == "8d");
  CHECK(age(seconds(5), 0) == "0s");
}

TEST_CASE("times are read as the daemon writes them") {
  CHECK(parse_time("1970-01-01T00:00:00.000Z") == 0);
  CHECK(parse_time("2026-11-24T08:15:30.123Z") == 1795508130123000);
  CHECK(rfc3339(*parse_time("2026-11-24T08:15:30.123Z")) == "2026-11-24T08:15:30.123Z");
  for (const auto* bad : {"", "2026", "2026-11-24T08:15:30Z", "2026-11-24T08:15:30.123Zx", "yesterday"}) {
    INFO(bad);
    CHECK(!parse_time(bad));
  }
}

TEST_CASE("--since takes a duration or a time") {
  const auto now = *parse_time("2026-11-24T08:15:30.000Z");
  CHECK(since("2h", now) == "2026-11-24T06:15:30.000Z");
  CHECK(since("7d", now) == "2026-11-17T08:15:30.000Z");
  CHECK(since("2026-11-24T08:15:30+01:00", now) == "2026-11-24T08:15:30+01:00");
  CHECK_THROWS_AS(since("yesterday", now), UsageError);
}

TEST_CASE("members that are null or missing are empty") {
  const Value v = Value::object({{"n", Value()},
                                 {"s", "x"},
                                 {"i", 7},
                                 {"ms", 12.5},
                                 {"ref", "refs/heads/main"},
                                 {"tag", "refs/tags/v1"},
                                 {"c", "0123456789abcdef"}});
  CHECK(text_of(v, "n") == "");
  CHECK(text_of(v, "none") == "");
  CHECK(text_of(v, "i") == "");
  CHECK(text_of(v, "s") == "x");
  CHECK(number_of(v, "i") == "7");
  CHECK(number_of(v, "n") == "");
  CHECK(milliseconds_of(v, "ms") == "12 ms");
  CHECK(milliseconds_of(v, "i") == "7.0 ms");
  CHECK(milliseconds_of(v, "n") == "");
  CHECK(ref_of(v, "ref") == "main");
  CHECK(ref_of(v, "tag") == "tag v1");
  CHECK(commit_of(v, "c") == "0123456789");
  CHECK(age_of(v, "n", 0) == "");
}

TEST_CASE("words, lines and counts") {
  const Value v =
      Value::object({{"phase", "waiting_health"}, {"created", 3}, {"updated", 0}, {"deleted", 2}});
  CHECK(word_of(v, "phase").text == "waiting health");
  CHECK(word_of(v, "phase").colour == Colour::yellow);
  CHECK(colour_of("failed") == Colour::red);
  CHECK(colour_of("synced") == Colour::green);
  CHECK(colour_of("a word of a later version") == Colour::none);
  CHECK(counts_of(v) == "+3 -2");
  CHECK(first_line("one\ntwo") == "one …");
  CHECK(first_line("one") == "one");
}
