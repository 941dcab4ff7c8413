// What people are told while a sync is tried once more, and of what came right meanwhile.
#include <algorithm>
#include <mutex>
#include <set>

#include "tests/unit/slower.h"
#include "tests/unit/sync/world.h"

namespace gitopsd::sync::test {
namespace {

using store::EventState;

/// Waits until the event is so, and its reason begins so; fails the test where that does not come.
void await_word(const World& world, EventId id, EventState state, const std::string& begins) {
  const bool came = eventually([&] {
    const auto event = world.store->event(id);
    return event->state == state && event->reason.starts_with(begins);
  });
  const auto event = world.store->event(id).value();
  REQUIRE_MESSAGE(came, "event " << id.value << " is " << to_string(event.state) << ": " << event.reason);
}

bool came_right(const World& world, EventId id) {
  const auto parts = world.store->failed_parts(id);
  return !parts.empty() &&
         std::all_of(parts.begin(), parts.end(), [](const auto& p) { return bool(p.right); });
}

}  // namespace

TEST_CASE("while a sync is tried once more its error is said to be of the attempt before") {
  World world;
  world.add("web");
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1")}});
  CHECK(world.status("web").attempt == 0);
  world.place.busy("a");
  const auto event = world.push({{"web/a.yaml", thing("a", "2")}});
  const auto failed = world.await("web", Phase::backing_off);
  CHECK(failed.attempt > 1);
  CHECK(failed.error.find("a: ") != std::string::npos);
  CHECK(failed.error_before.empty());
  world.place.shut();
  world.place.busy("a", false);
  world.place.await_waiting(1);
  const auto trying = world.await("web", Phase::applying);
  CHECK(trying.attempt > 1);
  CHECK(trying.error.empty());
  CHECK(trying.error_before.find("a: ") != std::string::npos);
  world.place.open();
  CHECK(world.ended(event).state == store::EventState::succeeded);
  const auto well = world.await("web", SyncStatus::synced);
  CHECK(well.attempt == 0);
  CHECK((well.error + well.error_before).empty());
}

TEST_CASE("an event says which attempt runs, and not that it waits for it") {
  World world;
  world.add("web");
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1")}});
  world.place.busy("a");
  const auto event = world.push({{"web/a.yaml", thing("a", "2")}});
  await_word(world, event, EventState::running, "tried again in ");
  world.place.shut();
  world.place.busy("a", false);
  world.place.await_waiting(1);
  await_word(world, event, EventState::running, "attempt ");
  const std::string reason = world.store->event(event)->reason;
  CHECK(reason.find("; the one before: ") != std::string::npos);
  CHECK(reason.find("a: refused") != std::string::npos);
  world.place.open();
  CHECK(world.ended(event).reason == "1 application in sync");
}

TEST_CASE("an event that was held runs from its approval on, and so does what goes along") {
  World world;
  world.apply_then_ask({{"web/a.yaml", thing("a", "1")}});
  const auto event = world.push({{"web/a.yaml", thing("a", "2")}});
  await_word(world, event, EventState::held, "every change");
  const auto along = world.push({{"other/b.yaml", thing("b", "1")}});
  await_word(world, along, EventState::held, "every change");
  world.place.shut();
  world.dispatcher->approve(ApplicationName("web"), std::nullopt, "ada");
  world.place.await_waiting(1);
  for (const auto id : {event, along}) await_word(world, id, EventState::running, "approved by ada");
  world.place.open();
  for (const auto id : {event, along}) CHECK(world.ended(id).reason == "1 application in sync");
}

TEST_CASE("an event is held while one of its applications is, whatever the others do") {
  World world;
  world.add("web");
  world.add("api");
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1")}, {"api/b.yaml", thing("b", "1")}});
  world.config.applications[0].approve = true;
  world.reload();
  world.place.busy("b");
  const auto event = world.push({{"web/a.yaml", thing("a", "2")}, {"api/b.yaml", thing("b", "2")}});
  world.await("web", Phase::held);
  REQUIRE(eventually([&] { return world.status("api").attempt > 3; }));
  await_word(world, event, EventState::held, "every change");
  world.dispatcher->approve(ApplicationName("web"), std::nullopt, "ada");
  await_word(world, event, EventState::running, "");
  REQUIRE(eventually([&] { return world.place.value("a") == "2"; }));
  await_word(world, event, EventState::running, "tried again in ");
  world.place.busy("b", false);
  CHECK(world.ended(event).reason == "2 applications in sync");
}

TEST_CASE("an event whose commit came says no more that it waits for that") {
  World world;
  world.add("web");
  world.missing_delay = std::chrono::milliseconds(300) * gitopsd::test::kSlower;
  world.start();
  const source::test::Origin ahead(world.folder / "ahead.git");
  const std::map<std::string, std::string> first{{"web/a.yaml", thing("a", "1")}};
  const std::map<std::string, std::string> second{{"web/a.yaml", thing("a", "2")}};
  REQUIRE(ahead.commit(first) == world.commit(first));
  world.place.shut();
  const auto before = world.deliver(world.origin.tip());
  world.place.await_waiting(1);
  const auto event = world.deliver(ahead.commit(second));
  await_word(world, event, EventState::queued, "the repository does not give out ");
  world.commit(second);
  REQUIRE(eventually([&] {
    const auto now = world.store->event(event);
    return now->state == EventState::queued && now->reason.empty();
  }));
  world.place.open();
  world.ended(before);
  CHECK(world.ended(event).state == EventState::succeeded);
}

TEST_CASE("an event of which one application failed and was superseded does not say that it succeeded") {
  World world;
  world.add("web");
  world.add("api");
  world.start();
  world.place.busy("b");
  const auto event = world.push({{"web/a.yaml", thing("a", "1")}, {"api/b.yaml", thing("b", "1")}});
  world.await("web", SyncStatus::synced);
  world.await("api", Phase::backing_off);
  const auto newer = world.push({{"api/b.yaml", thing("b", "2")}});
  const auto end = world.ended(event);
  CHECK(end.state == EventState::superseded);
  CHECK(end.reason.starts_with("1 application in sync; api was superseded by " +
                               world.store->event(newer)->after.short_str() + "; its last attempt failed: "));
  CHECK(end.reason.find("b: refused") != std::string::npos);
  world.place.busy("b", false);
  CHECK(world.ended(newer).reason == "1 application in sync");
}

TEST_CASE("an event that goes along with a newer one after an attempt failed says which sync brought it") {
  World world;
  world.add("web");
  world.start();
  world.place.busy("a");
  const auto event = world.push({{"web/a.yaml", thing("a", "1")}});
  REQUIRE(eventually([&] { return world.status("web").attempt > 4; }));  // it pauses for seconds
  world.await("web", Phase::backing_off);
  const auto newer = world.dispatcher->sync_now(ApplicationName("web"), "ada");
  REQUIRE(eventually([&] { return !world.store->syncs_of(newer).empty(); }));
  world.place.busy("a", false);
  const auto end = world.ended(event);
  CHECK(end.state == EventState::succeeded);
  world.ended(newer);
  const auto syncs = world.store->syncs_of(newer);
  const auto by = std::find_if(syncs.begin(), syncs.end(),
                               [](const auto& s) { return s.state == store::SyncState::succeeded; });
  REQUIRE(by != syncs.end());
  CHECK(end.reason == "1 application in sync, by sync " + std::to_string(by->id.value) + " (" +
                          by->revision.short_str() + ")");
}

TEST_CASE("an event that failed stays so, and says what came right since") {
  World world;
  world.add("web");
  world.start();
  const auto good = world.apply({{"web/a.yaml", thing("a", "1")}});
  world.place.refuse("a");
  world.place.shut();
  const auto event = world.push({{"web/a.yaml", thing("a", "2")}});
  world.place.await_waiting(1);
  const auto elsewhere = world.commit({{"docs/x", "1"}});
  const auto along = world.deliver(elsewhere);
  REQUIRE(eventually(
      [&] { return world.store->tip(RepositoryName("site"), source::test::main_ref()) == elsewhere; }));
  world.place.open();
  for (const auto id : {event, along}) {
    CHECK(world.ended(id).state == EventState::failed);
    REQUIRE(world.store->failed_parts(id).size() == 1);
    CHECK_FALSE(came_right(world, id));
  }

  SUBCASE("by the next attempt") {
    world.place.refuse("a", false);
  }
  SUBCASE("by the next attempt after a restart") {
    world.place.refuse("a", false);
    world.restart();
  }
  SUBCASE("by a replay") {
    world.place.refuse("a", false);
    CHECK(world.ended(world.dispatcher->replay(along, "ada")).state == EventState::succeeded);
  }
  SUBCASE("by a newer commit") {
    world.place.refuse("a", false);
    world.apply({{"web/a.yaml", thing("a", "3")}});
  }
  SUBCASE("not by a rollback") {
    CHECK(world.ended(world.dispatcher->rollback(ApplicationName("web"), good, "ada")).state ==
          EventState::succeeded);
    CHECK_FALSE(came_right(world, event));
    world.place.refuse("a", false);
    world.apply({{"web/a.yaml", thing("a", "3")}});
  }
  for (const auto id : {event, along}) {
    CHECK(eventually([&] { return came_right(world, id); }));
    CHECK(world.store->event(id)->state == EventState::failed);
  }
}

TEST_CASE("those who follow an event that goes along with another's sync are told what it does") {
  World world;
  world.add("web");
  world.start();
  std::mutex mutex;
  std::set<std::string> stages;
  EventId along;
  const int token = world.dispatcher->subscribe([&](const ProgressLine& line) {
    const std::lock_guard lock(mutex);
    if (std::count(line.along.begin(), line.along.end(), along) == 1) stages.insert(line.stage);
  });
  world.place.busy("a");
  world.place.shut();
  world.push({{"web/a.yaml", thing("a", "1")}});
  world.place.await_waiting(1);
  const auto asked = world.deliver(world.origin.tip());
  {
    const std::lock_guard lock(mutex);
    along = asked;
  }
  REQUIRE(eventually([&] { return world.store->event(asked)->state == EventState::running; }));
  world.place.open();
  CHECK(eventually([&] {
    const std::lock_guard lock(mutex);
    return stages.contains("waiting");  // that it is tried again
  }));
  world.place.busy("a", false);
  CHECK(world.ended(asked).state == EventState::succeeded);
  CHECK(world.store->syncs_of(asked).empty());
  world.dispatcher->unsubscribe(token);
  for (const auto* stage : {"planned", "applying", "ended"}) CHECK_MESSAGE(stages.contains(stage), stage);
}

TEST_CASE("those who follow an event are told when it is tried again") {
  World world;
  world.add("web");
  world.start();
  std::mutex mutex;
  std::map<EventId, std::vector<std::string>> told;
  const int token = world.dispatcher->subscribe([&](const ProgressLine& line) {
    const std::lock_guard lock(mutex);
    if (line.stage == "waiting") told[line.event].push_back(line.text);
  });
  const auto said = [&](EventId event, const std::string& begins) {
    const std::lock_guard lock(mutex);
    const auto& lines = told[event];
    return std::any_of(lines.begin(), lines.end(),
                       [&](const auto& line) { return line.starts_with(begins); });
  };
  world.place.busy("a");
  const auto passes = world.push({{"web/a.yaml", thing("a", "1")}});
  CHECK(eventually([&] { return said(passes, "tried again in 1 s"); }));
  world.place.busy("a", false);
  world.ended(passes);
  world.place.refuse("a");
  const auto failed = world.push({{"web/a.yaml", thing("a", "2")}});
  CHECK(world.ended(failed).state == EventState::failed);
  CHECK(said(failed, "tried again in "));  // before its end
  world.place.refuse("a", false);
  const auto wrong = world.push({{"web/a.yaml", "a: ["}});
  CHECK(world.ended(wrong).state == EventState::failed);
  CHECK_FALSE(said(wrong, "tried again in "));
  world.dispatcher->unsubscribe(token);
}

TEST_CASE("of the pushes that leave what waits alone the newest stays open") {
  World world;
  EventId waits;
  SUBCASE("for approval") {
    world.apply_then_ask({{"web/a.yaml", thing("a", "1")}});
    waits = world.push({{"web/a.yaml", thing("a", "2")}});
    world.await("web", Phase::held);
    await_word(world, waits, EventState::held, "");
  }
  SUBCASE("for its next attempt") {
    world.add("web");
    world.start();
    world.place.busy("a");
    waits = world.push({{"web/a.yaml", thing("a", "2")}});
    // The pauses have become long enough for three pushes.
    REQUIRE(eventually([&] { return world.status("web").attempt > (gitopsd::test::kSlower > 1 ? 6 : 5); }));
    world.await("web", Phase::backing_off);
  }
  const auto attempt = world.status("web").attempt;
  std::vector<EventId> pushes;
  for (const char* text : {"1", "2", "3"}) {
    pushes.push_back(world.push({{"docs/x", text}}));
    await_word(world, pushes.back(), world.store->event(waits)->state, "");
    REQUIRE(eventually([&] { return !world.store->event(pushes.back())->reason.empty(); }));
  }
  for (const auto id : {pushes[0], pushes[1]}) CHECK(world.ended(id).state == EventState::superseded);
  CHECK(world.ended(pushes[1]).reason.find(
            "superseded by " + world.store->event(pushes[2])->after.short_str()) != std::string::npos);
  CHECK(world.status("web").attempt >= attempt);
  CHECK(world.store->syncs_of(pushes[2]).empty());
  world.place.busy("a", false);
  if (world.status("web").phase == Phase::held)
    world.dispatcher->approve(ApplicationName("web"), std::nullopt, "ada");
  CHECK(world.ended(waits).state == EventState::succeeded);
  CHECK(world.ended(pushes[2]).state == EventState::succeeded);
  CHECK(world.place.value("a") == "2");
}

TEST_CASE("a push elsewhere does not begin the pauses of what failed anew") {
  World world;
  world.add("web");
  world.start();
  std::mutex mutex;
  std::map<EventId, std::string> told;
  const int token = world.dispatcher->subscribe([&](const ProgressLine& line) {
    const std::lock_guard lock(mutex);
    if (line.stage != "waiting") return;
    told[line.event] = line.text;
    for (const auto event : line.along) told[event] = line.text;
  });
  const auto pause = [&](EventId event) {
    world.ended(event);
    const std::lock_guard lock(mutex);
    const std::string begin = "tried again in ";
    REQUIRE(told[event].starts_with(begin));
    return std::stoi(told[event].substr(begin.size()));
  };
  world.place.refuse("a");
  CHECK(pause(world.push({{"web/a.yaml", thing("a", "1")}})) <= 3);
  CHECK(pause(world.push({{"docs/x", "1"}})) >= 4);
  CHECK(pause(world.push({{"docs/x", "2"}})) >= 7);
  world.place.refuse("a", false);
  CHECK(eventually([&] { return world.place.value("a") == "1"; }));
  world.dispatcher->unsubscribe(token);
}

}  // namespace gitopsd::sync::test
