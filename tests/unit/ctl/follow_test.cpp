#include "ctl/follow.h"

#include <doctest/doctest.h>

#include "ctl/commands.h"
#include "tests/unit/ctl/capture.h"
#include "tests/unit/ctl/fake_daemon.h"

using namespace gitopsd;
using namespace gitopsd::ctl;
using test::Capture;
using test::FakeDaemon;
using test::has;
using test::http_answer;
using test::http_stream;
using namespace std::chrono_literals;

namespace {

std::string state(const std::string& word, const std::string& more = "") {
  return R"({"when":"2026-11-24T08:15:30.123Z","stage":"state","state":")" + word + "\"" + more + "}\n";
}

const std::string kStep =
    R"({"when":"2026-11-24T08:15:30.123Z","stage":"step","text":"file:/etc/motd\u001b[2J done","application":"web"})"
    "\n";

}  // namespace

TEST_CASE("progress is shown until the end, whose state is the exit status") {
  FakeDaemon daemon({http_stream({state("running"), kStep,
                                  R"({"stage":"heartbeat"})"
                                  "\n",
                                  state("succeeded")}),
                     http_stream({state("failed", R"(,"error":"a.yaml:1:2: bad\nb.yaml:3:4: worse")")}),
                     http_stream({state("superseded")})});
  const Capture out(daemon.socket());
  CHECK(follow(out.session, "event:7", WhenHeld::stop) == Exit::ok);
  CHECK(out.text() == "08:15:30.123  web  step  file:/etc/motd\\x1b[2J done\nevent 7: succeeded\n");
  CHECK(daemon.requests().at(0).starts_with("GET /v1/progress?until=event%3A7 "));

  const Capture failed(daemon.socket());
  CHECK(follow(failed.session, "sync:8", WhenHeld::stop) == Exit::failed);
  CHECK(failed.text() == "sync 8: failed\na.yaml:1:2: bad\nb.yaml:3:4: worse\n");
  CHECK(follow(failed.session, "sync:8", WhenHeld::stop) == Exit::failed);
}

TEST_CASE("what has several lines is shown as lines, and they are no news of their own") {
  FakeDaemon daemon({http_stream(
      {R"({"when":"2026-11-24T08:15:30.123Z","stage":"ended","text":"failed: some\nleft out:\na.yaml:1:2: bad\n","application":"web"})"
       "\n",
       state("held", R"(,"reason":"one\ntwo")")})});
  const Capture out(daemon.socket());
  CHECK(follow(out.session, "event:7", WhenHeld::stop) == Exit::failed);
  CHECK(out.text() ==
        "08:15:30.123  web  ended  failed: some\n    left out:\n    a.yaml:1:2: bad\n"
        "event 7: held, one\n    two\n");
}

TEST_CASE("what is held is left, or waited for") {
  const std::string line = R"({"stage":"state","state":"held","reason":"waits for approval"})"
                           "\n";
  FakeDaemon daemon({http_stream({line, state("succeeded")}), http_stream({line, state("succeeded")})});
  const Capture out(daemon.socket());
  CHECK(follow(out.session, "event:7", WhenHeld::stop) == Exit::failed);
  CHECK(out.text() == "event 7: held, waits for approval\n");
  CHECK(follow(out.session, "event:7", WhenHeld::wait) == Exit::ok);
}

TEST_CASE("what was just approved may still be told as held, and may be held again") {
  const auto held = [](const std::string& why) {
    return R"({"stage":"state","state":"held","reason":")" + why + "\"}\n";
  };
  FakeDaemon daemon({http_stream({held("approval"), held("approval"), state("running"), state("succeeded")}),
                     http_stream({held("approval"), held("window"), state("succeeded")}),
                     http_stream({state("running"), held("approval"), state("succeeded")})});
  const Capture out(daemon.socket());
  CHECK(follow(out.session, "sync:7", WhenHeld::stop_when_again) == Exit::ok);
  CHECK(follow(out.session, "sync:7", WhenHeld::stop_when_again) == Exit::failed);
  CHECK(follow(out.session, "sync:7", WhenHeld::stop_when_again) == Exit::failed);
  CHECK(out.text() == "sync 7: succeeded\nsync 7: held, window\nsync 7: held, approval\n");
}

TEST_CASE("what was approved is followed over attempts that fail for the time being") {
  const auto sync = [](const char* state) {
    return http_answer(200, std::string(R"({"sync":{"state":")") + state + "\"}}");
  };
  const auto application = [](const char* phase, const char* last) {
    return http_answer(
        200, std::string(R"({"application":{"phase":")") + phase + R"("},"last_sync":{"id":)" + last + "}}");
  };
  FakeDaemon daemon({http_stream({state("running"), state("failed")}), sync("failed"),
                     application("backing_off", "7"), application("planning", "7"),
                     application("applying", "8"), http_stream({state("running"), state("succeeded")}),
                     // for good
                     http_stream({state("failed")}), sync("failed"), application("applying", "7"),
                     application("idle", "7"),
                     // something newer came, or another plan waits
                     http_stream({state("superseded")}), sync("superseded"), http_stream({state("failed")}),
                     sync("failed"), application("held", "9"), http_stream({state("held")}), sync("held")});
  const Capture out(daemon.socket());
  const auto followed = [&](Exit exit) {
    std::string last = "7";
    CHECK(follow_approved(out.session, "web", last) == exit);
    return last;
  };
  CHECK(followed(Exit::ok) == "8");
  CHECK(followed(Exit::failed) == "7");
  CHECK(followed(Exit::failed) == "7");
  CHECK(followed(Exit::failed) == "9");
  CHECK(daemon.requests().at(1).starts_with("GET /v1/syncs/7 "));
}

TEST_CASE("a daemon that stops is no success") {
  FakeDaemon daemon({http_stream({state("running")})});
  const Capture out(daemon.socket());
  CHECK_THROWS_AS(follow(out.session, "event:7", WhenHeld::stop), Unreachable);
}

TEST_CASE("waiting ends with its time-out") {
  FakeDaemon daemon({""});
  const Capture out(daemon.socket());
  CHECK(wait(out.session, {.what = "7", .timeout = "20ms"}) == Exit::failed);
  CHECK_THROWS_AS(wait(out.session, {.what = "7", .timeout = "soon"}), UsageError);
}

TEST_CASE("waiting for an application follows its sync and ends when it is idle") {
  const auto application = [](const std::string& phase, const std::string& error, const std::string& sync) {
    return http_answer(200, R"({"application":{"name":"web","phase":")" + phase + R"(","error":)" + error +
                                R"(},"last_sync":)" + sync + "}");
  };
  FakeDaemon daemon({application("queued", "null", "null"),
                     application("applying", "null", R"({"id":3,"state":"running","ended":false})"),
                     http_stream({state("running"), state("succeeded")}),
                     application("idle", "null", R"({"id":3,"state":"succeeded","ended":true})"),
                     application("idle", "\"no\"", R"({"id":4,"state":"failed","ended":true},
                       "heals":{"count":1,"last":"2026-11-24T10:00:00.000Z","sync":5,"resources":["file:/a"]})")});
  const Capture out(daemon.socket());
  CHECK(wait(out.session, {.what = "web", .timeout = ""}) == Exit::ok);
  CHECK(out.text() == "sync 3: succeeded\nweb: succeeded\n");
  CHECK(wait(out.session, {.what = "web", .timeout = ""}) == Exit::failed);
  CHECK(has(out.text(), "web: failed\nno\ndrift put back: once since the last succeeded sync, last "));
  CHECK(has(out.text(), " ago: file:/a\n"));
}
