#include "tests/unit/store/fixture.h"

using namespace gitopsd;
using namespace gitopsd::store;
using namespace gitopsd::store::test;

namespace {

void retain_all(Store& store, WallMicros before) {
  int rounds = 0;
  while (store.retain(before)) REQUIRE(++rounds < 100);
}

}  // namespace

TEST_CASE("what is old and ended goes, with its delivery; what is open or young stays") {
  Opened s;
  const auto old_ended = accept(*s.store, delivery("one")).events.at(0);
  const auto old_open = accept(*s.store, delivery("two")).events.at(0);
  const auto half = accept(*s.store, delivery("half", {push(), push("refs/heads/b")})).events;
  accept(*s.store, delivery("empty", {}));
  auto young = delivery("three");
  young.received += 2 * kDay;
  young.events[0].received += 2 * kDay;
  const auto young_ended = accept(*s.store, young).events.at(0);
  s->set_event(old_ended, EventState::succeeded);
  s->set_event(half[0], EventState::failed);
  s->set_event(young_ended, EventState::superseded);

  retain_all(*s.store, push().received + kDay);
  CHECK_FALSE(s->event(old_ended));
  CHECK(s->event(old_open));
  CHECK(s->event(half[0]));  // carries the delivery, of which one event is open
  CHECK(s->event(half[1]));
  CHECK(s->event(young_ended));
  auto counts = s->counts();
  CHECK(counts.deliveries == 3);
  CHECK(counts.events_by_state["queued"] == 2);
  CHECK(counts.events_by_state["succeeded"] == 0);
  CHECK(counts.events_by_state["failed"] == 1);
  CHECK(counts.events_by_state["superseded"] == 1);
  // Beyond retention an id is forgotten.
  CHECK(accept(*s.store, delivery("one")).kind == Accepted::Kind::stored);
  CHECK(accept(*s.store, delivery("two")).kind == Accepted::Kind::duplicate);
  s->set_event(half[1], EventState::succeeded);
  retain_all(*s.store, push().received + kDay);
  CHECK_FALSE(s->event(half[0]));
  CHECK_FALSE(s->event(half[1]));
  CHECK(s->counts().events_by_state["failed"] == 0);
  CHECK(s->check().empty());
}

TEST_CASE("the number of a deleted event is never given again") {
  Opened s;
  const auto id = s->add_event(push());
  s->set_event(id, EventState::succeeded);
  retain_all(*s.store, push().received + kDay);
  s.reopen();
  CHECK(s->add_event(push()).value == id.value + 1);
}

TEST_CASE("retention goes in bounded steps") {
  Opened s;
  std::vector<EventId> ids;
  for (int i = 0; i < 1200; ++i) {
    s->accept(delivery("d" + std::to_string(i)), [](Accepted, std::exception_ptr) {});
  }
  for (const auto& e : s->open_events()) ids.push_back(e.id);
  accept(*s.store, delivery("last"));
  ids.clear();
  for (const auto& e : s->open_events()) ids.push_back(e.id);
  REQUIRE(ids.size() == 1201);
  s->set_events(ids, EventState::ignored, "no application");
  CHECK(s->retain(push().received + kDay));
  CHECK(s->counts().deliveries > 0);
  retain_all(*s.store, push().received + kDay);
  CHECK(s->counts().deliveries == 0);
}

TEST_CASE("syncs go, but not those that a rollback may need") {
  Opened s;
  const ApplicationUid web("web");
  std::vector<SyncId> syncs;
  for (int i = 0; i < 6; ++i) {
    Sync sync;
    sync.application = web;
    sync.state = SyncState::running;
    syncs.push_back(s->begin_sync(sync));
    Applied a;
    a.uid = web;
    s->approve(syncs.back(), "ada");
    if (i % 2) {
      s->set_sync(syncs.back(), {SyncState::failed, {}, {}, {}, {}, 0, 0, 0, 0});
    } else {
      s->succeed(syncs.back(), a, {}, {}, {SyncState::succeeded, {}, {}, {}, {}, 0, 0, 0, 0}, 2);
    }
  }
  retain_all(*s.store, s.clock.now + kDay);
  CHECK_FALSE(s->sync(syncs[0]));  // its set is no longer kept
  CHECK_FALSE(s->sync(syncs[1]));
  CHECK_FALSE(s->approved_by(syncs[1]));
  CHECK(s->sync(syncs[2]));
  CHECK_FALSE(s->sync(syncs[3]));
  CHECK(s->sync(syncs[4]));
  CHECK(s->sync(syncs[5]));  // the last that began
}

TEST_CASE("a sync of which an effect has not ended stays, however many attempts came after it") {
  Opened s;
  const auto failed = [&] {
    Sync sync;
    sync.application = kWeb;
    const auto id = s->begin_sync(sync);
    s->set_sync(id, {SyncState::failed, {}, {}, {}, {}, 0, 0, 0, 0});
    return id;
  };
  const auto first = failed(), second = failed();
  failed();
  s->begin_effect(kWeb, {first, "migrate", "done", false});
  s->begin_effect(kWeb, {second, "restart", "done", false});
  s->end_effect(kWeb, second, "restart");
  retain_all(*s.store, s.clock.now + kDay);
  CHECK(s->sync(first));
  CHECK(s->open_effects(kWeb).size() == 1);
  CHECK_FALSE(s->sync(second));
  s->end_effect(kWeb, first, "migrate");
  retain_all(*s.store, s.clock.now + kDay);
  CHECK_FALSE(s->sync(first));
}

TEST_CASE("what a restart has to remember of syncs that did not succeed stays while it counts") {
  Opened s;
  const auto ended = [&](SyncState state, const std::string& source, const std::string& input,
                         const std::string& plan = {}) {
    Sync sync;
    sync.application = kWeb;
    sync.kind = "sync";
    sync.source_key = source;
    sync.input_key = input;
    sync.plan = plan;
    const auto id = s->begin_sync(sync);
    s->set_sync(id, {state, {}, {}, {}, {}, 0, 0, 0, 0});
    return id;
  };
  const std::string part = R"({"steps":[],"in_part":{"left_out":1}})";
  const auto replaced = ended(SyncState::cancelled, "old", "1");
  const auto asked_again = ended(SyncState::cancelled, "new", "2");
  const auto older_part = ended(SyncState::failed, "new", "2", part);
  const auto rejected = ended(SyncState::cancelled, "new", "3");
  const auto last_part = ended(SyncState::failed, "new", "4", part);
  const auto failed = ended(SyncState::failed, "new", "5");
  const auto last = ended(SyncState::failed, "new", "6");
  const auto left = [&] {
    std::vector<SyncId> ids;
    for (const auto id : {replaced, asked_again, older_part, rejected, last_part, failed, last})
      if (s->sync(id)) ids.push_back(id);
    return ids;
  };
  retain_all(*s.store, s.clock.now + kDay);
  CHECK(left() == std::vector{rejected, last_part, last});
  Sync good;
  good.application = kWeb;
  good.kind = "sync";
  Applied applied;
  applied.uid = kWeb;
  s->succeed(s->begin_sync(good), applied, {}, {}, {SyncState::succeeded, {}, {}, {}, {}, 0, 0, 0, 0}, 2);
  retain_all(*s.store, s.clock.now + kDay);
  CHECK(left().empty());
}

TEST_CASE("a sync that began while the clock was ahead does not keep what came after it") {
  Opened s;
  const auto failed = [&](WallMicros started) {
    Sync sync;
    sync.application = kWeb;
    sync.started = started;
    const auto id = s->begin_sync(sync);
    s->set_sync(id, {SyncState::failed, {}, {}, {}, {}, 0, 0, 0, 0});
    return id;
  };
  const auto ahead = failed(s.clock.now + 1000 * kDay), after = failed(s.clock.now);
  failed(s.clock.now);
  retain_all(*s.store, s.clock.now + kDay);
  CHECK(s->sync(ahead));
  CHECK_FALSE(s->sync(after));
}

TEST_CASE("documents of syncs that never succeeded go when they are old") {
  Opened s;
  const ApplicationUid web("web");
  s->put_documents({{"aa", "A"}, {"bb", "B"}, {"cc", "C"}});
  Sync sync;
  sync.application = web;
  InventoryEntry entry;
  entry.id = ResourceId("b");
  entry.intended_digest = "bb";
  s->intend(web, s->begin_sync(sync), std::vector{entry});
  retain_all(*s.store, s.clock.now - kDay);
  CHECK(s->document("aa"));
  s.clock.now += 10 * kDay;
  s->put_documents({{"cc", "C"}});  // in use again
  retain_all(*s.store, s.clock.now - kDay);
  CHECK_FALSE(s->document("aa"));
  CHECK(s->document("bb"));
  CHECK(s->document("cc"));
}

TEST_CASE("one that was queued again by a redelivery does not keep what came after it") {
  Opened s;
  const auto again = accept(*s.store, delivery("again")).events.at(0);
  const auto after = accept(*s.store, delivery("after")).events.at(0);
  s->set_event(after, EventState::succeeded);
  s->set_event(again, EventState::failed);
  auto late = delivery("again");
  late.received += 3 * kDay;
  REQUIRE(accept(*s.store, late).kind == Accepted::Kind::requeued);
  s->set_event(again, EventState::succeeded);
  retain_all(*s.store, push().received + kDay);
  CHECK(s->event(again));
  CHECK_FALSE(s->event(after));
}

TEST_CASE("where an event failed goes with it, also when a redelivery brought it to success") {
  Opened s;
  s->configure_application({kWeb, ApplicationName("web"), DestinationName("here"), {}});
  const auto event = accept(*s.store, delivery("again")).events.at(0);
  s->fail_event(event, "1 application failed", "no room", {{kWeb, SyncId{}}});
  REQUIRE(accept(*s.store, delivery("again")).kind == Accepted::Kind::requeued);
  s->set_event(event, EventState::succeeded);
  CHECK(s->failed_parts(event).size() == 1);
  retain_all(*s.store, push().received + kDay);
  CHECK_FALSE(s->event(event));
  CHECK(s->failed_parts(event).empty());
}
