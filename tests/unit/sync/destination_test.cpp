// A destination that is away for a while, or offers something else than before.
#include <chrono>

#include "tests/unit/sync/world.h"

using namespace gitopsd;
using namespace gitopsd::sync;
using namespace gitopsd::sync::test;
using store::EventState;

namespace {

std::size_t events_in(World& world) {
  return world.store->events({}).size();
}

}  // namespace

TEST_CASE("a sync that its destination does not answer is tried again as soon as it does") {
  World world;
  world.add("web");
  world.start();
  world.apply({{"web/a.yaml", thing("a", "0")}});
  world.place.break_off();
  const auto event = world.push({{"web/a.yaml", thing("a", "1")}});
  REQUIRE(eventually([&] { return world.store->event(event)->attempts >= 4; }));  // the next one takes 8 s
  const auto back = Monotonic::now();
  world.place.come_back();
  CHECK(world.ended(event).state == EventState::succeeded);
  CHECK(Monotonic::now() - back < std::chrono::seconds(4));
  CHECK(world.place.value("a") == "1");
}

TEST_CASE("what failed is tried again when the destination offers something else") {
  World world;
  world.add("web");
  world.add("shop");
  world.start();
  world.apply({{"web/c.yaml", thing("c", "1")}, {"shop/b.yaml", thing("b", "1")}});
  world.place.refuse("a");
  const auto event = world.push({{"web/a.yaml", thing("a", "1")}});
  CHECK(world.ended(event).state == EventState::failed);
  world.place.refuse("a", false);
  const auto before = events_in(world);
  world.place.offer("another");
  CHECK(eventually([&] { return world.place.value("a") == "1"; }));
  // Plain manifests that succeeded are what they were.
  CHECK(eventually([&] { return world.status("web").phase == Phase::idle; }));
  CHECK(events_in(world) == before + 1);
  CHECK(world.place.changes_of("b") == 1);
}
