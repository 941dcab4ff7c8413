#include "tests/unit/store/fixture.h"

using namespace gitopsd;
using namespace gitopsd::store;
using namespace gitopsd::store::test;

namespace {

std::vector<std::int64_t> ids(const std::vector<Event>& events) {
  std::vector<std::int64_t> out;
  for (const auto& e : events) out.push_back(e.id.value);
  return out;
}

}  // namespace

TEST_CASE("words of causes and states") {
  CHECK(to_string(Cause::manual) == "manual");
  CHECK(to_string(SyncState::waiting_health) == "waiting_health");
  for (const char* word :
       {"queued", "running", "held", "succeeded", "failed", "superseded", "ignored", "cancelled"}) {
    REQUIRE(event_state(word));
    CHECK(to_string(*event_state(word)) == word);
  }
  CHECK_FALSE(event_state("done"));
}

TEST_CASE("an event without a delivery") {
  Opened s;
  auto e = push();
  e.cause = Cause::poll;
  const auto id = s->add_event(e);
  const auto read = s->event(id);
  REQUIRE(read);
  CHECK(read->cause == Cause::poll);
  CHECK(read->hook.empty());
  CHECK(read->delivery.empty());
  CHECK_FALSE(s->event(EventId{99}));
}

TEST_CASE("events move from state to state and are counted") {
  Opened s;
  const auto a = s->add_event(push()), b = s->add_event(push()), c = s->add_event(push());
  s->set_event(a, EventState::held, "waits for approval");
  s->set_event(b, EventState::failed, "broken", "file.yaml:3:4");
  CHECK(s->event(a)->reason == "waits for approval");
  CHECK(s->event(b)->error == "file.yaml:3:4");
  CHECK(ids(s->open_events()) == std::vector{a.value, c.value});
  const std::vector both{a, c};
  s->set_events(both, EventState::superseded, "a newer one came");
  CHECK(s->event(c)->reason == "a newer one came");
  CHECK(s->open_events().empty());
  auto counts = s->counts();
  CHECK(counts.events_by_state["superseded"] == 2);
  CHECK(counts.events_by_state["failed"] == 1);
  CHECK(counts.events_by_state["queued"] == 0);
  CHECK(counts.bytes > 4096);
  s.reopen();
  CHECK(s->counts().events_by_state == counts.events_by_state);
  CHECK(failure_of([&] { s->set_event(EventId{99}, EventState::held, {}, {}); }) == "there is no event 99");
  // A late word, from a worker that lost a race, does not open what has ended.
  s->set_event(a, EventState::running, "tried again in 1 s");
  CHECK(s->event(a)->state == EventState::superseded);
  CHECK(s->event(a)->reason == "a newer one came");
}

TEST_CASE("a later event of the same commit that succeeded is found") {
  Opened s;
  auto other = push("refs/heads/other"), newer = push();
  newer.after = commit('e');
  const auto id = s->add_event(push());
  s->set_event(id, EventState::failed, "repository", "no such user");
  for (const auto& event : {other, newer}) s->set_event(s->add_event(event), EventState::succeeded);
  s->set_event(s->add_event(push()), EventState::superseded);
  CHECK_FALSE(s->succeeded_later(id));
  const auto same = s->add_event(push());
  s->set_event(same, EventState::succeeded);
  s->set_event(s->add_event(push()), EventState::succeeded);
  CHECK(s->succeeded_later(id)->id == same);
  CHECK_FALSE(s->succeeded_later(EventId{99}));
}

TEST_CASE("set_events moves all or none") {
  Opened s;
  const auto a = s->add_event(push());
  const std::vector mixed{a, EventId{99}};
  CHECK_THROWS_AS(s->set_events(mixed, EventState::failed, "x"), Failure);
  CHECK(s->event(a)->state == EventState::queued);
  CHECK(s->counts().events_by_state["failed"] == 0);
  CHECK(s->counts().events_by_state["queued"] == 1);
}

TEST_CASE("timings are filled once; attempts count") {
  Opened s;
  const auto a = s->add_event(push());
  s->add_timings(a, {0, 0, 11, 0, 0, 0, 0});
  s->add_timings(a, {1, 2, 12, 13, 0, 0, 0});
  const auto t = s->event(a)->timings;
  CHECK(t.received == push().received);
  CHECK(t.fetched == 11);
  CHECK(t.rendered == 13);
  CHECK(t.healthy == 0);
  CHECK(s->add_attempt(a) == 1);
  CHECK(s->add_attempt(a) == 2);
  CHECK(s->event(a)->attempts == 2);
  CHECK_THROWS_AS(s->add_attempt(EventId{99}), Failure);
  CHECK_THROWS_AS(s->add_timings(EventId{99}, {}), Failure);
}

TEST_CASE("events are found newest first, by state, repository, time and page") {
  Opened s;
  std::vector<EventId> all;
  for (int i = 0; i < 10; ++i) {
    auto e = push();
    e.repository = RepositoryName(i % 2 ? "odd" : "even");
    e.received += i * 3600LL * 1'000'000;
    all.push_back(s->add_event(e));
  }
  s->set_event(all[3], EventState::failed);
  s->set_event(all[4], EventState::failed);
  s->set_event(all[5], EventState::held);
  s->set_event(all[6], EventState::succeeded);
  CHECK(ids(s->events({})).front() == all[9].value);
  CHECK(s->events({}).size() == 10);
  CHECK(ids(s->events({.state = EventState::failed})) == std::vector{all[4].value, all[3].value});
  CHECK(ids(s->events({.state = EventState::held})) == std::vector{all[5].value});
  CHECK(ids(s->events({.state = EventState::succeeded})) == std::vector{all[6].value});
  CHECK(ids(s->events({.repository = RepositoryName("odd"), .limit = 2})) ==
        std::vector{all[9].value, all[7].value});
  CHECK(ids(s->events({.state = EventState::failed, .repository = RepositoryName("odd")})) ==
        std::vector{all[3].value});
  CHECK(ids(s->events({.since = push().received + 8 * 3600LL * 1'000'000})) ==
        std::vector{all[9].value, all[8].value});
  CHECK(ids(s->events({.before = all[2], .limit = 1})) == std::vector{all[1].value});
  CHECK(ids(s->events({.before = all[0]})).empty());
}
