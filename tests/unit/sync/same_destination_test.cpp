// A destination whose name leads to another one than before: nothing is done there until somebody says so.
#include "tests/unit/sync/world.h"

using namespace gitopsd;
using namespace gitopsd::sync;
using namespace gitopsd::sync::test;
using store::EventState;

namespace {

const DestinationName kHere("here");

/// One application, synced at a destination that is "one".
struct Known : World {
  Known() {
    add("web");
    start();
    place.become("one");
    apply({{"web/a.yaml", thing("a", "1")}, {"web/b.yaml", thing("b", "1")}});
    await("web", SyncStatus::synced);
  }
  bool refuses(const std::string& looked_at = {}) {
    try {
      dispatcher->accept_destination(kHere, looked_at.empty() ? std::nullopt : std::optional(looked_at),
                                     "ada");
    } catch (const Failure& failure) {
      CHECK(failure.cause() == ProblemCause::conflict);
      return true;
    }
    return false;
  }
};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE(
    "at a destination that is another one nothing is done, and all goes on when it is the first again") {
  Known world;
  world.place.become("two");
  const auto status = world.await("web", SyncStatus::unknown);
  CHECK(has(status.waits_for, "it was one"));
  CHECK(has(status.waits_for, "now two answers"));
  CHECK(has(status.released_by, "gitopsctl destination accept here --identity two"));
  const auto there = world.dispatcher->destinations().at(0);
  CHECK_FALSE(there.reachable);
  CHECK(there.identity == "two");
  const auto applies = world.place.applies();
  world.place.change("a", "by hand");
  world.commit({{"web/a.yaml", thing("a", "2")}});
  const auto event = world.deliver(world.remove("web/b.yaml"));
  REQUIRE(eventually([&] { return world.store->event(event)->attempts >= 2; }));
  CHECK(has(world.store->event(event)->reason, "now two answers"));
  CHECK(world.place.applies() == applies);
  CHECK(world.place.value("b") == "1");
  world.restart();
  CHECK(world.place.applies() == applies);
  world.place.become("one");
  CHECK(world.ended(event).state == EventState::succeeded);
  CHECK(world.place.value("a") == "2");
  CHECK(world.place.value("b").empty());
}

TEST_CASE("a destination that is another one is taken for the one that is meant when somebody says so") {
  Known world;
  CHECK(world.refuses());  // it is the one that it was
  world.place.become("two");
  world.place.change("a", "by hand");
  CHECK(world.refuses("three"));  // what was looked at is not what is there
  CHECK(world.place.value("a") == "by hand");
  world.dispatcher->accept_destination(kHere, "two", "ada");
  CHECK(eventually([&] { return world.place.value("a") == "1"; }));
  world.await("web", SyncStatus::synced);
  CHECK(world.store->destination(kHere)->identity == "two");
  const auto log = world.store->audit_log(1, 1000);
  CHECK(std::any_of(log.begin(), log.end(), [](const auto& entry) {
    return has(entry.entry, "accept destination") && has(entry.entry, "\"who\":\"ada\"") &&
           has(entry.entry, "\"before\":\"one\"") && has(entry.entry, "\"identity\":\"two\"");
  }));
}

TEST_CASE("where it cannot be told any more which one a destination is, nothing is done either") {
  Known world;
  world.place.become("");
  CHECK(has(world.await("web", SyncStatus::unknown).waits_for, "cannot be told"));
  world.dispatcher->accept_destination(kHere, std::nullopt, "ada");
  world.await("web", SyncStatus::synced);
  CHECK_FALSE(world.store->destination(kHere));
}

TEST_CASE("where nothing is owned a destination may be another one") {
  World world;
  world.add("web");
  world.start();
  world.place.become("one");
  world.place.become("two");
  world.apply({{"web/a.yaml", thing("a", "1")}});
  CHECK(world.store->destination(kHere)->identity == "two");
}

TEST_CASE("there is nothing to accept at a destination that tells nothing, or that there is not") {
  World world;
  world.start();
  CHECK_THROWS_AS(world.dispatcher->accept_destination(kHere, std::nullopt, "ada"), Failure);
  CHECK_THROWS_AS(world.dispatcher->accept_destination(DestinationName("their"), std::nullopt, "ada"),
                  Failure);
}
