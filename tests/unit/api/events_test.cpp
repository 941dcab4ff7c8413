#include "base/json.h"
#include "daemon/sync/stored_plan.h"
#include "tests/unit/api/world.h"

using namespace gitopsd;
using namespace gitopsd::api;
using store::EventState;

namespace {

std::vector<std::int64_t> ids(const Answer& answer) {
  std::vector<std::int64_t> out;
  for (const auto& event : answer.body.get_array("events")) out.push_back(event.get_int("id"));
  return out;
}

}  // namespace

TEST_CASE_FIXTURE(Running, "events are listed newest first, page by page") {
  for (int i = 1; i <= 5; ++i) store.put(event_double(i));
  const auto first = get("/v1/events?limit=2");
  CHECK(first.status == 200);
  CHECK(ids(first) == std::vector<std::int64_t>{5, 4});
  CHECK(first.body.get_int("next") == 4);
  const auto second = get("/v1/events?limit=2&before=4");
  CHECK(ids(second) == std::vector<std::int64_t>{3, 2});
  const auto last = get("/v1/events?limit=2&before=2");
  CHECK(ids(last) == std::vector<std::int64_t>{1});
  CHECK(last.body.as_object().at("next").is_null());
}

TEST_CASE_FIXTURE(Running, "events are filtered by state, repository and time") {
  store.put(event_double(1));
  store.put(event_double(2, EventState::failed));
  auto late = event_double(3, EventState::failed);
  late.received = kNoon;
  store.put(late);
  CHECK(ids(get("/v1/events?state=failed")) == std::vector<std::int64_t>{3, 2});
  CHECK(ids(get("/v1/events?state=failed&since=2026-11-24T12:00:00Z")) == std::vector<std::int64_t>{3});
  CHECK(ids(get("/v1/events?repository=site")).size() == 3);
}

TEST_CASE_FIXTURE(Running, "bad filters are refused with a way out") {
  const auto state = get("/v1/events?state=faild");
  CHECK(state.status == 400);
  CHECK(state.body.at_pointer("/error/hint")->as_string() == "did you mean 'failed'?");
  CHECK(get("/v1/events?limit=0").status == 400);
  CHECK(get("/v1/events?limit=501").status == 400);
  CHECK(get("/v1/events?before=x").status == 400);
  CHECK(get("/v1/events?since=yesterday").status == 400);
  const auto repository = get("/v1/events?repository=sit");
  CHECK(repository.status == 404);
  CHECK(repository.body.at_pointer("/error/hint")->as_string() == "did you mean 'site'?");
}

TEST_CASE_FIXTURE(Running, "an event shows its timings, syncs and their steps") {
  store.put(event_double(7));
  auto s = sync_double(70, 7);
  protocol::Step step;
  step.key = "1";
  step.id = ResourceId("File:/etc/motd");
  step.action = protocol::Action::create;
  step.reason = "is missing";
  s.plan = sync::encode_plan({{step}, {"a: bad", "b: bad"}, {}});
  s.timings.received = s.started - 2'000;
  s.timings.planned = s.started + 3'000;
  store.put(s);
  auto heal = sync_double(69, 7, "uid-gone");
  heal.timings.planned = heal.started + 3'000;
  store.put(heal);
  store.approvals[70] = "alice";

  const auto answer = get("/v1/events/7");
  REQUIRE(answer.status == 200);
  const Value& event = *answer.body.find("event");
  CHECK(event.get_string("state") == "succeeded");
  CHECK(event.get_bool("ended"));
  CHECK(event.get_string("after") == std::string(40, 'b'));
  CHECK(event.get_string("hook") == "main");
  CHECK(event.at_pointer("/timings/received")->as_string() == "2026-11-24T11:00:00.000Z");
  CHECK(event.at_pointer("/elapsed_ms/stored")->as_double() == doctest::Approx(0.4));
  CHECK(event.at_pointer("/elapsed_ms/healthy")->is_null());
  CHECK(event.as_object().at("error").is_null());

  const auto& syncs = answer.body.get_array("syncs");
  REQUIRE(syncs.size() == 2);
  CHECK(syncs[0].get_int("id") == 69);
  CHECK(syncs[0].get_string("application") == "uid-gone");
  CHECK(syncs[0].as_object().at("steps").is_null());
  CHECK(syncs[1].get_string("application") == "web");
  CHECK(syncs[1].get_string("approved_by") == "alice");
  CHECK(syncs[1].at_pointer("/duration_ms")->as_double() == doctest::Approx(500));
  CHECK(syncs[0].at_pointer("/elapsed_ms/planned")->as_double() == doctest::Approx(3));
  CHECK(syncs[1].at_pointer("/elapsed_ms/planned")->as_double() == doctest::Approx(5));
  CHECK(syncs[1].at_pointer("/steps/0/action")->as_string() == "create");
  CHECK(syncs[1].at_pointer("/problems/1")->as_string() == "b: bad");
  CHECK(syncs[0].get_array("problems").empty());
  CHECK(syncs[1].at_pointer("/steps/0/id")->as_string() == "File:/etc/motd");
  CHECK(syncs[1].at_pointer("/steps/0/reason")->as_string() == "is missing");

  const auto single = get("/v1/syncs/70");
  CHECK(single.body.at_pointer("/sync/steps/0/key")->as_string() == "1");
}

TEST_CASE_FIXTURE(Running, "an event that failed says what came right since") {
  auto failed = event_double(7, EventState::failed);
  failed.reason = "2 applications failed";
  store.put(failed);
  const auto shown = [&] { return *get("/v1/events").body.at_pointer("/events/0"); };
  store::FailedPart web{ApplicationUid("uid-web"), SyncId{71}, kNoon, commit_of('d')};
  store::FailedPart mail{ApplicationUid("uid-mail"), {}, 0, {}};
  CHECK(shown().get_string("reason") == "2 applications failed");
  store.failed_in[7] = {mail, web};
  CHECK(shown().get_string("reason") == "2 applications failed; 1 came right since");
  CHECK(shown().as_object().at("came_right").is_null());
  mail.right = SyncId{70};
  mail.since = kNoon - 1;
  store.failed_in[7] = {mail, web};
  CHECK(shown().get_string("reason") ==
        "2 applications failed; came right at 2026-11-24T12:00:00.000Z, by sync 71 (dddddddddd)");
  CHECK(shown().get_string("came_right") == "2026-11-24T12:00:00.000Z");
  CHECK(shown().get_string("state") == "failed");
  auto unread = event_double(6, EventState::failed);
  unread.reason = "repository";
  store.put(unread);
  auto later = event_double(8);
  later.timings.fetched = kNoon;
  store.later[6] = later;
  CHECK(get("/v1/events/6").body.at_pointer("/event/reason")->as_string() ==
        "repository; came right at 2026-11-24T12:00:00.000Z, by event 8");
  // Nothing of it is left to replay.
  CHECK(post("/v1/replay", "{\"failed\": true}").body.get_array("replayed").empty());
}

TEST_CASE_FIXTURE(Running, "events and syncs that do not exist are 404, ids that are none 400") {
  CHECK(get("/v1/events/9").status == 404);
  CHECK(get("/v1/syncs/9").status == 404);
  CHECK(get("/v1/events/x").status == 400);
  CHECK(get("/v1/events/0").status == 400);
  CHECK(post("/v1/events/9/replay").status == 404);
  CHECK(dispatcher.told.empty());
}

TEST_CASE_FIXTURE(Running, "an event is replayed in the caller's name") {
  store.put(event_double(7, EventState::failed));
  const std::string user = get("/v1/version").body.get_string("user");
  const auto answer = post("/v1/events/7/replay");
  CHECK(answer.status == 202);
  CHECK(answer.body.get_int("event") == 1007);
  CHECK(dispatcher.told == std::vector<std::string>{"replay 7 by " + user});
}

TEST_CASE_FIXTURE(Running, "what is still failed is replayed, oldest first") {
  const auto put = [&](std::int64_t id, EventState state, const std::string& ref,
                       WallMicros received = kNoon) {
    auto e = event_double(id, state);
    e.ref = *Ref::parse(ref);
    e.received = received;
    store.put(e);
  };
  put(1, EventState::failed, "refs/heads/old", kNoon - 25ll * 3'600'000'000);
  put(2, EventState::failed, "refs/heads/main");
  put(3, EventState::failed, "refs/heads/main");
  put(4, EventState::failed, "refs/heads/fixed");
  put(5, EventState::succeeded, "refs/heads/fixed");
  put(6, EventState::failed, "refs/heads/other");
  put(7, EventState::failed, "refs/heads/odd");
  dispatcher.cannot_replay[7] = "its repository left the configuration";

  const auto answer = post("/v1/replay", R"({"failed": true})");
  REQUIRE(answer.status == 202);
  CHECK(to_json(*answer.body.find("replayed")) == R"([{"event":1003,"failed":3},{"event":1006,"failed":6}])");
  CHECK(answer.body.at_pointer("/refused/0/failed")->as_int() == 7);
  CHECK(answer.body.at_pointer("/refused/0/message")->as_string() == "its repository left the configuration");
  CHECK_FALSE(answer.body.get_bool("more"));

  const auto older = post("/v1/replay", R"({"failed": true, "since": "2026-11-20T00:00:00Z"})");
  CHECK(older.body.at_pointer("/replayed/0/failed")->as_int() == 1);
}

TEST_CASE_FIXTURE(Running, "replaying says what it replays, or does nothing") {
  store.put(event_double(2, EventState::failed));
  CHECK(post("/v1/replay").status == 400);
  CHECK(post("/v1/replay", R"({"failed": false})").status == 400);
  CHECK(post("/v1/replay", R"({"failed": "yes"})").status == 400);
  CHECK(post("/v1/replay", R"({"failed": true, "since": "monday"})").status == 400);
  CHECK(post("/v1/replay", R"({"failed": true, "repository": "nope"})").status == 404);
  CHECK(dispatcher.told.empty());
}
