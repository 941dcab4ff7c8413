// What people are told while a sync is tried once more, and of what came right meanwhile.
#include "tests/unit/sync/world.h"

namespace gitopsd::sync::test {

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

}  // namespace gitopsd::sync::test
