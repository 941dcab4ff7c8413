// What the commands ask, and how they show the answers.
#include "ctl/commands.h"

#include <doctest/doctest.h>

#include "tests/unit/ctl/capture.h"
#include "tests/unit/ctl/fake_daemon.h"

using namespace gitopsd;
using namespace gitopsd::ctl;
using test::Capture;
using test::FakeDaemon;
using test::has;
using test::http_answer;
using test::http_stream;

namespace {

const std::string kCommit = "0123456789012345678901234567890123456789";

}  // namespace

TEST_CASE("status shows what each application waits for") {
  FakeDaemon daemon(
      {http_answer(
           200,
           R"({"version":"1","now":"2026-11-24T10:00:00.000Z","started":"2026-11-24T07:00:00.000Z","ready":false,
        "not_ready":["destination 'here' is not connected"],"events":{"queued":2,"failed":0},
        "applications":[
          {"name":"api","status":"synced","health":"healthy","phase":"idle","since":"2026-11-24T09:00:00.000Z",
           "revision":")" +
               kCommit + R"(","resources":12,"error":null},
          {"name":"web","status":"out_of_sync","health":"unknown","phase":"held","since":null,"revision":null,
           "waits_for":"approval","released_by":"gitopsctl approve web","error":"x\ny","suspended":true}]})"),
       http_answer(200, R"({"repositories":[
          {"name":"infra","error":"timed out\nx","last_look":"2026-11-24T09:55:00.000Z"},
          {"name":"other","error":null,"last_look":"2026-11-24T09:55:00.000Z"}]})"),
       http_answer(200, R"({"destinations":[{"name":"here","provider":"host","connected":false},
          {"name":"there","connected":true,"reachable":true,"conditions":[{"message":"a is slow","hint":"hurry"},
            {"message":"b","hint":null},{"message":"c"},{"message":"d"},{"message":"e"},{"message":"f"},{"message":"g"}]},
          {"name":"far","connected":true,"reachable":false,"since":"2026-11-24T09:59:48.000Z","error":"refused"}]})")});
  const Capture out(daemon.socket());
  CHECK(status(out.session, "") == Exit::ok);
  CHECK(out.text() ==
        "gitopsd 1, up 3h, not ready\n"
        "  destination 'here' is not connected\n"
        "events: 2 queued\n"
        "\n"
        "APPLICATION  STATUS       HEALTH   PHASE  FOR  REVISION    RESOURCES  FLAGS      WAITS FOR\n"
        "api          synced       healthy  idle   60m  0123456789         12\n"
        "web          out of sync  unknown  held                               suspended  approval; released "
        "by "
        "gitopsctl approve web\n"
        "\n"
        "web: x …\n"
        "repository infra: timed out … (last read 5m ago)\n"
        "destination here: its provider host is not connected\n"
        "destination there: a is slow (hurry)\n"
        "destination there: b\n"
        "destination there: c\n"
        "destination there: d\n"
        "destination there: e\n"
        "destination there: 2 more of these: gitopsctl status APPLICATION shows those of one\n"
        "destination far: unreachable for 12s: refused\n");
}

TEST_CASE("what keeps a destination away is said once, of that, and not of each application on it") {
  FakeDaemon daemon(
      {http_answer(200, R"({"version":"1","now":"2026-11-24T10:00:00.000Z","ready":true,"applications":[
          {"name":"api","destination":"far","phase":"idle","waits_for":"destination far: nobody answers at 1","error":null},
          {"name":"web","destination":"far","phase":"backing_off","waits_for":"tried again in 2 s","released_by":"time",
           "error":"destination far: its provider is not running: nobody answers at 1, of 2 resources"},
          {"name":"x","destination":"near","phase":"idle","error":"nobody answers at 1"}]})"),
       http_answer(200, R"({"repositories":[]})"), http_answer(200, R"({"destinations":[
          {"name":"far","connected":true,"reachable":false,"error":"nobody answers at 1"},
          {"name":"near","connected":true,"reachable":true,"error":null}]})")});
  const Capture out(daemon.socket());
  CHECK(status(out.session, "") == Exit::ok);
  CHECK(has(out.text(), "destination far, see below"));
  CHECK(has(out.text(), "tried again in 2 s; released by time"));
  CHECK(has(out.text(), "\n\nx: nobody answers at 1\ndestination far: unreachable: nobody answers at 1\n"));
}

TEST_CASE("events asks with its filters and tells how to see more") {
  FakeDaemon daemon(
      {http_answer(200, R"({"events":[{"id":9,"state":"failed","cause":"push","repository":"infra",
    "ref":"refs/heads/main","after":")" +
                            kCommit + R"(","actor":"mallory\u001b[2J","received":"2026-11-24T10:00:00.000Z",
    "elapsed_ms":{"stored":0.5,"fetched":20,"rendered":null},"error":"a:1:2: bad","reason":"r"}],"next":9})"),
       http_answer(200, R"({"events":[],"next":null})")});
  const Capture out(daemon.socket());
  CHECK(events(out.session, {.state = "failed",
                             .repository = "infra",
                             .since = "2026-11-01T00:00:00Z",
                             .before = "10",
                             .limit = 1}) == Exit::ok);
  CHECK(daemon.requests().at(0).starts_with(
      "GET /v1/events?state=failed&repository=infra&since=2026-11-01T00%3A00%3A00Z&before=10&limit=1 "));
  const auto text = out.text();
  CHECK(has(text, "failed  push   infra       main  0123456789  mallory\\x1b[2J  20 ms  a:1:2: bad\n"));
  CHECK(has(text, "older ones: --before 9\n"));
  const Capture none(daemon.socket());
  CHECK(events(none.session, {}) == Exit::ok);
  CHECK(none.text() == "no events\n");
}

TEST_CASE("an event that came right says so instead of its error") {
  FakeDaemon daemon({http_answer(200, R"({"events":[{"id":9,"state":"failed","error":"no namespace",
    "reason":"1 application failed; came right at noon, by sync 7","came_right":"2026-11-24T12:00:00.000Z"}]})")});
  const Capture out(daemon.socket());
  CHECK(events(out.session, {}) == Exit::ok);
  CHECK(has(out.text(), "1 application failed; came right at noon, by sync 7\n"));
  CHECK_FALSE(has(out.text(), "no namespace"));
}

TEST_CASE("a plan shows its steps, their diffs and why it would be held") {
  FakeDaemon daemon(
      {http_answer(200, R"({"application":"web","revision":")" + kCommit + R"(","held_sync":null,
    "hold":"it deletes 3 of 3","steps":[{"action":"none","id":"file:/a"},
      {"action":"delete","id":"file:/b","reason":"no longer declared","destroys":"data","diff":"--- /b\n-x\u001b\n"}],
    "summary":{"none":1,"delete":1}})")});
  const Capture out(daemon.socket());
  CHECK(plan(out.session, "web", kCommit) == Exit::ok);
  CHECK(daemon.requests().at(0).starts_with("POST /v1/applications/web/plan "));
  CHECK(has(daemon.requests().at(0), "{\"revision\":\"" + kCommit + "\"}"));
  CHECK(out.text() ==
        "web at 0123456789\n"
        "  - delete  file:/b  (no longer declared)  destroys data\n"
        "      --- /b\n"
        "      -x\\x1b\n"
        "1 to delete, 1 as declared\n"
        "would be held: it deletes 3 of 3\n");
}

TEST_CASE("a plan says what keeps it off, or holds it, and what releases it") {
  FakeDaemon daemon(
      {http_answer(200, R"({"application":"web","revision":")" + kCommit + R"(","held_sync":null,
    "hold":"it deletes 3 of 3","kept_off":"web was rolled back","released_by":"gitopsctl resume web","steps":[]})"),
       http_answer(200, R"({"application":"web","revision":")" + kCommit + R"(","held_sync":7,
    "hold":"it deletes 3 of 3","kept_off":null,"released_by":"gitopsctl approve web --sync 7","steps":[]})")});
  const Capture out(daemon.socket());
  CHECK(plan(out.session, "web", "0123456") == Exit::ok);
  CHECK(has(daemon.requests().at(0), "{\"revision\":\"0123456\"}"));
  CHECK(out.text() ==
        "web at 0123456789\n"
        "is not synced by itself: web was rolled back\n"
        "  released by: gitopsctl resume web\n"
        "would be held: it deletes 3 of 3\n");
  const Capture held(daemon.socket());
  CHECK(plan(held.session, "web", "") == Exit::ok);
  CHECK(held.text() ==
        "web at 0123456789, the stored plan of sync 7, which is held\n"
        "is held: it deletes 3 of 3\n"
        "  released by: gitopsctl approve web --sync 7\n");
}

TEST_CASE("rollback takes a revision as the tables show it") {
  const auto syncs =
      http_answer(200, R"({"syncs":[{"revision":")" + kCommit + R"("},{"revision":")" + kCommit +
                           R"("},{"revision":"0999999999012345678901234567890123456789"}]})");
  FakeDaemon daemon(
      {syncs, http_answer(202, R"({"event":5,"revision":")" + kCommit + R"("})"), syncs, syncs});
  const Capture out(daemon.socket());
  CHECK(rollback(out.session, "web", "0123456789", false) == Exit::ok);
  CHECK(has(daemon.requests().at(1), "{\"to\":\"" + kCommit + "\"}"));
  CHECK(out.text() == "web goes back to 0123456789\nevent 5\n");
  CHECK_THROWS_AS(rollback(out.session, "web", "0", false), UsageError);
  CHECK_THROWS_AS(rollback(out.session, "web", "fff", false), UsageError);
}

TEST_CASE("rollback to a commit that was never synced asks the daemon, and says what was in force at it") {
  const auto syncs = http_answer(200, R"({"syncs":[{"revision":")" + kCommit + R"("}]})");
  FakeDaemon daemon({syncs, http_answer(202, R"({"event":5,"revision":")" + kCommit + R"("})")});
  const Capture out(daemon.socket());
  CHECK(rollback(out.session, "web", "FFFFFFF", false) == Exit::ok);
  CHECK(has(daemon.requests().at(1), R"({"to":"fffffff"})"));
  CHECK(out.text() == "web goes back to 0123456789, which was in force at fffffff\nevent 5\n");
}

TEST_CASE("approve and reject name the sync that was looked at") {
  FakeDaemon daemon({http_answer(200, R"({"sync":12})"), http_answer(200, R"({"sync":13})"),
                     http_answer(409, R"({"error":{"message":"sync 13 does","cause":"conflict"}})")});
  const Capture out(daemon.socket());
  CHECK(approve(out.session, "web", "12", false) == Exit::ok);
  CHECK(daemon.requests().at(0).starts_with("POST /v1/applications/web/approve "));
  CHECK(has(daemon.requests().at(0), "{\"sync\":12}"));
  CHECK(reject(out.session, "web", "") == Exit::ok);
  CHECK(daemon.requests().at(1).starts_with("POST /v1/applications/web/reject "));
  CHECK_FALSE(has(daemon.requests().at(1), "\"sync\""));
  CHECK(out.text() == "approved sync 12\nrejected sync 13; web stays at what is in force\n");
  CHECK_THROWS_AS(approve(out.session, "web", "12", false), Refused);
  for (const auto* bad : {"x", "0", "-1", "1x"}) CHECK_THROWS_AS(reject(out.session, "web", bad), UsageError);
}

TEST_CASE("status of one application tells the drift that was put back, and that it was rolled back") {
  FakeDaemon daemon(
      {http_answer(200, R"({"application":{"name":"web","uid":"web","quarantined":true},"last_sync":null,
    "heals":{"count":2,"last":"2026-11-24T10:00:00.000Z","sync":9,"resources":["path:/a"]}})")});
  const Capture out(daemon.socket());
  CHECK(status(out.session, "web") == Exit::ok);
  CHECK(has(out.text(), "2 times since the last succeeded sync, last "));
  CHECK(has(out.text(), " ago: path:/a\n"));
  CHECK(has(out.text(), "rolled back"));
  CHECK_FALSE(has(out.text(), "quarantined"));
}

TEST_CASE("status says that an error is of the attempt before, and what was synced last") {
  const std::string application =
      R"({"name":"web","phase":"applying","attempt":2,"error":null,"error_before":"no namespace\nx",
          "revision":")" +
      kCommit + R"(","synced_revision":"1111111111111111111111111111111111111111"})";
  FakeDaemon daemon({http_answer(200, R"({"version":"1","ready":true,"applications":[)" + application + "]}"),
                     http_answer(200, R"({"repositories":[]})"), http_answer(200, R"({"destinations":[]})"),
                     http_answer(200, R"({"application":)" + application + "}")});
  const Capture all(daemon.socket());
  CHECK(status(all.session, "") == Exit::ok);
  CHECK(has(all.text(), "applying, attempt 2"));
  CHECK(has(all.text(), "web: the attempt before: no namespace …\n"));
  const Capture one(daemon.socket());
  CHECK(status(one.session, "web") == Exit::ok);
  CHECK(has(one.text(), "revision:     " + kCommit + "\n"));
  CHECK(has(one.text(), "synced last:  1111111111111111111111111111111111111111\n"));
  CHECK(has(one.text(), "the attempt before: no namespace\n"));
}

TEST_CASE("status of one application names what is contested and what does not converge, the first of it") {
  FakeDaemon daemon({http_answer(200, R"({"application":{"name":"web","contested":{"count":3,"resources":[
      {"id":"a","changed_by":"kubectl-edit","changed_at":"2026-11-24T09:59:48Z","put_back":5,
       "paused_until":"2999-11-24T10:00:00.000Z"},
      {"id":"b","changed_by":null,"changed_at":null,"put_back":3,"paused_until":null}]},
      "not_converging":{"count":1,"resources":[{"id":"c","came_back":4}]}}})")});
  const Capture out(daemon.socket());
  CHECK(status(out.session, "web") == Exit::ok);
  CHECK(has(out.text(), "a: by kubectl-edit at 2026-11-24T09:59:48Z, put back 5 times, the next time in "));
  CHECK(has(out.text(), "b: put back 3 times\n"));
  CHECK(has(out.text(), "and 1 more\n"));
  CHECK(has(out.text(), "c: the same change came back 4 times\n"));
}

TEST_CASE("status of one application shows its last sync, and nothing for what is not known of it") {
  FakeDaemon daemon({http_answer(200, R"({"application":{"name":"web","uid":"web"},
    "last_sync":{"id":4,"kind":"sync","state":"held","duration_ms":null}})"),
                     http_answer(200, R"({"application":{"name":"web","uid":"web"},
    "last_sync":{"id":4,"kind":"sync","state":"waiting_health","duration_ms":12,"created":1}})")});
  const Capture out(daemon.socket());
  CHECK(status(out.session, "web") == Exit::ok);
  CHECK(has(out.text(), "\nlast sync: 4 (sync, held)\n"));
  CHECK(status(out.session, "web") == Exit::ok);
  CHECK(has(out.text(), "\nlast sync: 4 (sync, waiting health, 12 ms) +1\n"));
}

TEST_CASE("status says of which commit only a part is in force") {
  const std::string web = R"({"name":"web","uid":"web","phase":"idle","revision":")" + kCommit +
                          R"(","synced_revision":")" + kCommit +
                          R"(","in_part":{"revision":"fedcba9876543210","sync":7,"left_out":2}})";
  FakeDaemon daemon(
      {http_answer(200, R"({"now":"2026-11-24T10:00:00.000Z","ready":true,"applications":[)" + web + "]}"),
       http_answer(200, R"({"repositories":[]})"), http_answer(200, R"({"destinations":[]})"),
       http_answer(200, R"({"application":)" + web + R"(,"last_sync":null})")});
  const Capture out(daemon.socket());
  CHECK(status(out.session, "") == Exit::ok);
  CHECK(has(out.text(), "  fedcba9876 partly, 2 left out\n"));
  CHECK(status(out.session, "web") == Exit::ok);
  CHECK(has(out.text(), "partly:       fedcba9876543210, 2 left out (sync 7)\n"));
}

TEST_CASE("show has all that a sync tells in short") {
  FakeDaemon daemon({http_answer(200, R"({"event":{"id":9},"syncs":[
      {"id":4,"error":"bad, 2 places","problems":["a:1:1: bad","b:1:1: bad"]},{"id":5,"error":"worse","problems":[]}]})")});
  const Capture out(daemon.socket());
  CHECK(show(out.session, "9") == Exit::ok);
  CHECK(has(out.text(), "a:1:1: bad\n"));
  CHECK(has(out.text(), "b:1:1: bad\n"));
  CHECK_FALSE(has(out.text(), "2 places"));
  CHECK(has(out.text(), "worse\n"));
}

TEST_CASE("status tells a configuration that was refused, and why a provider is away") {
  FakeDaemon daemon(
      {http_answer(200,
                   R"({"version":"1","now":"2026-11-24T10:00:00.000Z","started":"2026-11-24T07:00:00.000Z",
        "ready":true,"config_refused":"2026-11-24T09:58:00.000Z","config_error":"a.yaml:1:1: x\na.yaml:2:1: y",
        "applications":[{"name":"api"}]})"),
       http_answer(200, R"({"repositories":[]})"),
       http_answer(200, R"({"destinations":[{"name":"here","provider":"host","connected":false,
                                             "error":"provider of here refuses initialize: no settings"}]})")});
  const Capture out(daemon.socket());
  CHECK(status(out.session, "") == Exit::ok);
  CHECK(has(out.text(),
            "the reload 2m ago was refused, the one before it stays in force:\n  a.yaml:1:1: x\n  "
            "a.yaml:2:1: y\n"));
  CHECK(has(out.text(), "is not connected: provider of here refuses initialize: no settings\n"));
}

TEST_CASE("sync follows its event, and with --output json shows only that") {
  FakeDaemon daemon({http_answer(202, R"({"event":5})"),
                     http_stream({R"({"stage":"state","state":"failed"})"
                                  "\n"}),
                     http_answer(200, R"({"event":{"id":5},"syncs":[]})")});
  const Capture out(daemon.socket(), true);
  CHECK(sync(out.session, "a/b", true) == Exit::failed);
  CHECK(daemon.requests().at(0).starts_with("POST /v1/applications/a%2Fb/sync "));
  CHECK(parse_json(out.text()).at_pointer("/event/id")->as_int() == 5);
}

TEST_CASE("delete wants to be told twice") {
  FakeDaemon daemon({http_answer(202, R"({"event":5})")});
  const Capture out(daemon.socket());
  CHECK_THROWS_AS(delete_application(out.session, "web", false, false), UsageError);
  CHECK(daemon.requests().empty());
  CHECK(delete_application(out.session, "web", true, false) == Exit::ok);
  CHECK(has(daemon.requests().at(0), "{\"cascade\":true}"));
}

TEST_CASE("forget says what stays behind, and where") {
  FakeDaemon daemon({http_answer(200, R"({"destination":"old","resources":2})"),
                     http_answer(200, R"({"destination":"old","resources":1})")});
  const Capture out(daemon.socket());
  CHECK(forget(out.session, "web@old") == Exit::ok);
  CHECK(out.text() ==
        "forgot web@old; what it owned, 2 resources, stays at destination old and is nobody's\n");
  CHECK(daemon.requests().at(0).starts_with("POST /v1/applications/web%40old/forget "));
  const Capture json(daemon.socket(), true);
  CHECK(forget(json.session, "web@old") == Exit::ok);
  CHECK(parse_json(json.text()).get_int("resources") == 1);
}

TEST_CASE("a destination is accepted as what was looked at") {
  FakeDaemon daemon(
      {http_answer(200, R"({"destination":"a/b"})"), http_answer(200, R"({"destination":"a/b"})")});
  const Capture out(daemon.socket());
  CHECK(accept_destination(out.session, "a/b", "two") == Exit::ok);
  CHECK(accept_destination(out.session, "a/b", "") == Exit::ok);
  CHECK(daemon.requests().at(0).starts_with("POST /v1/destinations/a%2Fb/accept "));
  CHECK(has(daemon.requests().at(0), "{\"identity\":\"two\"}"));
  CHECK(has(daemon.requests().at(1), "{}"));
  CHECK(has(out.text(), "compared anew"));
}

TEST_CASE("replay takes numbers or --failed") {
  FakeDaemon daemon(
      {http_answer(202, R"({"event":12})"),
       http_answer(202, R"({"replayed":[{"failed":3,"event":13}],"refused":[{"failed":4,"message":"gone"}],
                                          "more":false})")});
  const Capture out(daemon.socket());
  CHECK_THROWS_AS(replay(out.session, {}), UsageError);
  CHECK_THROWS_AS(replay(out.session, {.events = {"1"}, .failed = true}), UsageError);
  CHECK_THROWS_AS(replay(out.session, {.events = {"1"}, .since = "2h"}), UsageError);
  CHECK(replay(out.session, {.events = {"3"}, .wait = false}) == Exit::ok);
  CHECK(replay(out.session,
               {.failed = true, .since = "2026-11-24T00:00:00Z", .repository = "infra", .wait = false}) ==
        Exit::failed);
  CHECK(
      has(daemon.requests().at(1), R"({"failed":true,"repository":"infra","since":"2026-11-24T00:00:00Z"})"));
  CHECK(out.text() == "event 12\nevent 13 replays 3\nevent 4 is not replayed: gone\n");
}

TEST_CASE("audit reads every page, and says when the record is broken") {
  FakeDaemon daemon(
      {http_answer(200, R"({"entries":[{"sequence":1,"when":"2026-11-24T08:15:30.123Z","hash":"h",
                        "entry":{"who":"alice","action":"sync","application":"web","commit":")" +
                            kCommit + R"("}}],"next":2})"),
       http_answer(200, R"({"entries":[{"sequence":2,"when":"2026-11-24T08:15:30.123Z","hash":"h",
                        "entry":{"who":"bob","action":"heal"}}],"next":null})"),
       http_answer(200, R"({"intact":false,"first_broken":2})"),
       http_answer(200, R"({"intact":true,"first_broken":null})")});
  const Capture out(daemon.socket());
  CHECK(audit(out.session, {}) == Exit::ok);
  CHECK(daemon.requests().at(1).starts_with("GET /v1/audit?from=2&limit=1000 "));
  CHECK(has(out.text(), "commit=0123456789\n"));
  CHECK(has(out.text(), "bob"));
  CHECK(audit(out.session, {.verify = true}) == Exit::failed);
  CHECK(has(out.text(), "broken from entry 2"));
  CHECK(audit(out.session, {.verify = true}) == Exit::ok);
}
