// Differences that the daemon did not make: shown as long as they are there.
#include "tests/unit/sync/world.h"

namespace gitopsd::sync::test {

TEST_CASE("a commit hides no difference of what it does not touch") {
  World world;
  world.add("web");
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1", "drift: report")}, {"web/b.yaml", thing("b", "1")}});
  world.await("web", SyncStatus::synced);
  world.place.change("a", "changed");
  CHECK(world.await("web", SyncStatus::out_of_sync).waits_for == "a differs from what was applied");

  world.apply({{"web/b.yaml", thing("b", "2")}});
  world.await("web", Phase::idle);
  CHECK(world.status("web").status == SyncStatus::out_of_sync);
  CHECK(world.place.value("a") == "changed");

  world.apply({{"web/a.yaml", thing("a", "2", "drift: report")}});
  world.await("web", SyncStatus::synced);
  CHECK(world.place.value("a") == "2");
}

TEST_CASE("a sync by hand puts back what drift only reports, and a resource that leaves differs no more") {
  World world;
  world.add("web").drift = config::DriftPolicy::report;
  world.start();
  world.apply(
      {{"web/a.yaml", thing("a", "1")}, {"web/b.yaml", thing("b", "1")}, {"web/c.yaml", thing("c", "1")}});
  world.place.change("a", "changed");
  world.place.change("b", "changed");
  CHECK(eventually(
      [&] { return world.status("web").waits_for == "a and 1 more differ from what was applied"; }));
  world.ended(world.deliver(world.remove("web/b.yaml")));
  CHECK(eventually([&] { return world.status("web").waits_for == "a differs from what was applied"; }));
  CHECK(world.ended(world.dispatcher->sync_now(ApplicationName("web"), "ada")).state ==
        store::EventState::succeeded);
  world.await("web", SyncStatus::synced);
  CHECK(world.place.value("a") == "1");
}

}  // namespace gitopsd::sync::test
