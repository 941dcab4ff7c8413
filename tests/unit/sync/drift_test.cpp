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

TEST_CASE("promise 10: healing goes on while a rollback holds") {
  World world;
  world.add("web");
  world.start();
  const auto first = world.apply({{"web/a.yaml", thing("a", "1")}});
  world.apply({{"web/a.yaml", thing("a", "2")}});
  world.ended(world.dispatcher->rollback(ApplicationName("web"), first, "ada"));
  world.place.change("a", "changed");
  CHECK(eventually([&] { return world.place.value("a") == "1"; }));
  CHECK(world.status("web").quarantined);
}

TEST_CASE("what was applied last stays enforced while a plan waits for approval") {
  World world;
  world.apply_then_ask({{"web/a.yaml", thing("a", "1")}, {"web/b.yaml", thing("b", "1")}});
  const auto event = world.push({{"web/a.yaml", thing("a", "2")}});
  const auto held = world.await("web", Phase::held);
  for (const char* id : {"a", "b"}) {
    world.place.change(id, "changed");
    CHECK(eventually([&] { return world.place.value(id) == "1"; }));
  }
  const auto still = world.await("web", Phase::held);
  CHECK(still.waits_for == held.waits_for);
  const auto number = std::to_string(held.sync.value);
  CHECK(still.released_by == "gitopsctl approve web --sync " + number + "; gitopsctl reject web --sync " +
                                 number + " ends it instead, a commit that changes its files replaces it");
  CHECK(eventually([&] { return world.status("web").sync == held.sync; }));
  CHECK(world.store->event(event)->state == store::EventState::held);
  CHECK(world.dispatcher->plan(ApplicationName("web"), std::nullopt).held == held.sync);

  CHECK(world.dispatcher->approve(ApplicationName("web"), std::nullopt, "ada") == held.sync);
  CHECK(world.ended(event).state == store::EventState::succeeded);
  CHECK(world.place.value("a") == "2");
}

TEST_CASE("a heal after a sync that failed is not the last sync") {
  World world;
  world.add("web");
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1")}});
  world.place.refuse("b", true, ProblemCause::permission);  // which is not tried again by itself
  const auto event = world.push({{"web/b.yaml", thing("b", "1")}});
  CHECK(world.ended(event).state == store::EventState::failed);
  const auto failed = world.await("web", Phase::idle);
  REQUIRE(world.store->sync(failed.sync)->state == store::SyncState::failed);
  world.place.change("a", "changed");
  CHECK(eventually([&] { return world.store->heals(ApplicationUid("web")).count == 1; }));
  const auto now = world.await("web", Phase::idle);
  CHECK(now.sync == failed.sync);
  CHECK(now.error == failed.error);
  CHECK_FALSE(now.error.empty());
}

TEST_CASE("an approval that comes while drift is put back takes effect afterwards") {
  World world;
  world.apply_then_ask({{"web/a.yaml", thing("a", "1")}, {"web/b.yaml", thing("b", "1")}});
  const auto event = world.push({{"web/a.yaml", thing("a", "2")}});
  world.await("web", Phase::held);
  world.place.shut();
  world.place.change("b", "changed");
  world.place.await_waiting(1);
  CHECK(world.status("web").phase == Phase::held);
  world.dispatcher->approve(ApplicationName("web"), std::nullopt, "ada");
  CHECK(world.place.value("a") == "1");
  world.place.open();
  CHECK(world.ended(event).state == store::EventState::succeeded);
  CHECK(world.place.value("a") == "2");
  CHECK(world.place.value("b") == "1");
}

TEST_CASE("a newer commit ends what waits for approval, also while drift is put back") {
  World world;
  world.apply_then_ask({{"web/a.yaml", thing("a", "1")}, {"web/b.yaml", thing("b", "1")}});
  const auto older = world.push({{"web/a.yaml", thing("a", "2")}});
  world.await("web", Phase::held);
  world.place.shut();
  world.place.change("b", "changed");
  world.place.await_waiting(1);
  const auto newer = world.push({{"web/a.yaml", thing("a", "3")}});
  world.place.open();
  CHECK(world.ended(older).state == store::EventState::superseded);
  CHECK(eventually([&] { return world.store->event(newer)->state == store::EventState::held; }));
  world.dispatcher->approve(ApplicationName("web"), std::nullopt, "ada");
  CHECK(world.ended(newer).state == store::EventState::succeeded);
  CHECK(world.place.value("a") == "3");
}

TEST_CASE("drift shows while a suspended application has a commit waiting") {
  World world;
  world.add("web");
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1")}});
  world.config.applications[0].suspended = true;
  world.reload();
  const auto older = world.push({{"web/a.yaml", thing("a", "2")}});
  world.await("web", Phase::held);
  const auto newer = world.push({{"web/a.yaml", thing("a", "3")}});
  CHECK(world.ended(older).state == store::EventState::superseded);
  CHECK(eventually([&] { return world.store->event(newer)->state == store::EventState::held; }));
  world.place.change_unseen("a", "changed");
  world.reload();  // looks at everything
  world.await("web", SyncStatus::out_of_sync);
  CHECK(world.place.value("a") == "changed");
  CHECK(world.status("web").waits_for == "the application is suspended");
}

TEST_CASE("what could not be compared is looked at again by itself") {
  World world;
  world.add("web");
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1")}});
  world.await("web", SyncStatus::synced);
  world.place.hide("a");
  world.place.change("a", "somebody's");
  CHECK(world.await("web", SyncStatus::unknown).health == protocol::Health::unknown);
  world.place.hide("a", false);  // of which nothing is told
  world.await("web", SyncStatus::synced);
  CHECK(world.place.value("a") == "1");
}

TEST_CASE(
    "looks that fail are further and further apart, and the next one comes at once when it may succeed") {
  World world;
  world.add("web");
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1")}});
  world.await("web", SyncStatus::synced);
  world.place.stop();
  world.place.change("a", "changed");
  REQUIRE(eventually([&] { return world.place.failed_looks() == 4; }));  // 1, 2 and 4 s apart
  const auto back = Monotonic::now();
  world.place.stop(false);
  world.place.come_back();
  CHECK(eventually([&] { return world.place.value("a") == "1"; }));
  CHECK(Monotonic::now() - back < std::chrono::seconds(6));  // not in 8 s
  CHECK(world.place.failed_looks() == 4);
}

}  // namespace gitopsd::sync::test
