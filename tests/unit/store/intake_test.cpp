#include "tests/unit/store/fixture.h"

using namespace gitopsd;
using namespace gitopsd::store;
using namespace gitopsd::store::test;

namespace {
constexpr char kTimed[] = "d1f7e000-8a4b-11ef-9c00-0242ac120002";
constexpr char kRandom[] = "8c1a6f7e-3c3d-4bd1-9e40-3f5d0f1c2b3a";
}  // namespace

TEST_CASE("a delivery is stored with all its events and every field") {
  Opened s;
  auto first = push();
  first.application = ApplicationUid("app");
  first.note = "note";
  auto second = push("refs/tags/v1");
  second.deleted = true;
  second.body_signed = false;
  second.after = *CommitId::parse(std::string(40, '0'));
  const auto accepted = accept(*s.store, delivery(kTimed, {first, second}));
  CHECK(accepted.kind == Accepted::Kind::stored);
  REQUIRE(accepted.events.size() == 2);
  s.reopen();

  const auto a = s->event(accepted.events[0]);
  REQUIRE(a);
  CHECK(a->repository.str() == "site");
  CHECK(a->ref.str() == "refs/heads/main");
  CHECK(a->before == commit('a'));
  CHECK(a->after == commit('b'));
  CHECK(a->cause == Cause::push);
  CHECK(a->body_signed);
  CHECK_FALSE(a->deleted);
  CHECK(a->actor == "ada");
  CHECK(a->application.str() == "app");
  CHECK(a->note == "note");
  CHECK(a->hook.str() == "github");
  CHECK(a->delivery.str() == kTimed);
  CHECK(a->state == EventState::queued);
  CHECK(a->attempts == 0);
  CHECK(a->timings.received == first.received);
  CHECK(a->timings.stored == s.clock.now);
  CHECK(a->timings.fetched == 0);
  const auto b = s->event(accepted.events[1]);
  REQUIRE(b);
  CHECK(b->deleted);
  CHECK_FALSE(b->body_signed);
  CHECK(b->after.is_zero());
  CHECK(b->delivery.str() == kTimed);
  CHECK(s->counts().deliveries == 1);
}

TEST_CASE("the same delivery again is a duplicate, whatever its id is like") {
  for (const std::string id : {kTimed, kRandom, "17", "Q"}) {
    CAPTURE(id);
    Opened s;
    const auto first = accept(*s.store, delivery(id));
    const auto second = accept(*s.store, delivery(id));
    CHECK(second.kind == Accepted::Kind::duplicate);
    CHECK(second.events == first.events);
    s.reopen();
    auto weeks_later = delivery(id);
    weeks_later.received += 60 * kDay;
    CHECK(accept(*s.store, weeks_later).kind == Accepted::Kind::duplicate);
    CHECK(s->counts().events_by_state["queued"] == 1);
    CHECK(s->counts().deliveries == 1);
    CHECK(s->audit_log(1, 10).empty());
  }
}

TEST_CASE("random ids of every retained week are found again") {
  Opened s;
  for (WallMicros week = 0; week < 5; ++week) {
    auto d = delivery("id-" + std::to_string(week));
    d.received += week * 7 * kDay;
    CHECK(accept(*s.store, d).kind == Accepted::Kind::stored);
  }
  s.reopen();
  for (WallMicros week = 0; week < 5; ++week) {
    auto d = delivery("id-" + std::to_string(week));
    d.received += 63 * kDay;
    CHECK(accept(*s.store, d).kind == Accepted::Kind::duplicate);
  }
}

TEST_CASE("the same id through another hook is another delivery") {
  Opened s;
  accept(*s.store, delivery(kTimed));
  auto other = delivery(kTimed);
  other.hook = HookName("mirror");
  CHECK(accept(*s.store, other).kind == Accepted::Kind::stored);
}

TEST_CASE("a known id with another digest is a duplicate and goes to the audit record") {
  Opened s;
  accept(*s.store, delivery(kTimed));
  auto other = delivery(kTimed);
  other.digest.fill(9);
  CHECK(accept(*s.store, other).kind == Accepted::Kind::duplicate);
  const auto log = s->audit_log(1, 10);
  REQUIRE(log.size() == 1);
  CHECK(log[0].entry.find(kTimed) != std::string::npos);
  CHECK(log[0].entry.find("0909") != std::string::npos);
}

TEST_CASE("a redelivery queues again what failed, and only that") {
  Opened s;
  const auto first = accept(*s.store, delivery(kTimed, {push(), push("refs/heads/two")}));
  s->set_event(first.events[0], EventState::succeeded);
  s->set_event(first.events[1], EventState::failed, "broken", "line 3");
  s->add_attempt(first.events[1]);
  s->add_timings(first.events[1], {0, 0, 5, 6, 7, 8, 9});
  auto late = delivery(kTimed);
  late.received += kDay;
  s.clock.now += kDay;
  const auto second = accept(*s.store, late);
  CHECK(second.kind == Accepted::Kind::requeued);
  CHECK(second.events == std::vector{first.events[1]});
  const auto e = *s->event(first.events[1]);
  CHECK(e.state == EventState::queued);
  CHECK(e.cause == Cause::push);
  CHECK(e.error.empty());
  CHECK(e.reason == "queued again by a redelivery");
  CHECK(e.attempts == 0);
  CHECK(e.timings.received == late.received);
  CHECK(e.timings.fetched == 0);
  CHECK(s->event(first.events[0])->state == EventState::succeeded);
  CHECK(s->audit_log(1, 10).size() == 1);
  CHECK(s->counts().events_by_state["queued"] == 1);
  CHECK(s->counts().events_by_state["failed"] == 0);
  CHECK(accept(*s.store, late).kind == Accepted::Kind::duplicate);
}

TEST_CASE("a delivery without events is remembered") {
  Opened s;
  CHECK(accept(*s.store, delivery(kTimed, {})).kind == Accepted::Kind::stored);
  const auto next = accept(*s.store, delivery(kRandom));
  const auto again = accept(*s.store, delivery(kTimed, {}));
  CHECK(again.kind == Accepted::Kind::duplicate);
  CHECK(again.events.empty());
  CHECK(s->event(next.events[0])->delivery.str() == kRandom);
}

TEST_CASE("one delivery that SQLite refuses fails alone") {
  Opened s;
  std::vector<Delivery> batch;
  for (int i = 0; i < 3; ++i) batch.push_back(delivery("batch-" + std::to_string(i)));
  batch[1].headers.resize(1'000'000'001);  // beyond SQLITE_MAX_LENGTH
  std::promise<std::vector<Answer>> promise;
  s->accept_all(std::move(batch),
                [&](std::vector<Answer> answers) { promise.set_value(std::move(answers)); });
  const auto answers = promise.get_future().get();
  REQUIRE(answers.size() == 3);
  CHECK(answers[0].accepted.kind == Accepted::Kind::stored);
  CHECK(answers[0].error == nullptr);
  CHECK_THROWS_AS(std::rethrow_exception(answers[1].error), Failure);
  CHECK(answers[2].error == nullptr);
  CHECK(s->event(answers[2].accepted.events.at(0))->delivery.str() == "batch-2");
  CHECK(s->counts().deliveries == 2);
  CHECK(s->writable());
}

TEST_CASE("what comes at once is answered in its order, duplicates within it too") {
  Opened s;
  std::vector<Delivery> batch;
  for (const char* id : {"a", "b", "a"}) batch.push_back(delivery(id));
  std::promise<std::vector<Answer>> promise;
  s->accept_all(std::move(batch),
                [&](std::vector<Answer> answers) { promise.set_value(std::move(answers)); });
  const auto answers = promise.get_future().get();
  CHECK(answers[0].accepted.kind == Accepted::Kind::stored);
  CHECK(answers[1].accepted.kind == Accepted::Kind::stored);
  CHECK(answers[2].accepted.kind == Accepted::Kind::duplicate);
  CHECK(answers[2].accepted.events == answers[0].accepted.events);
}
