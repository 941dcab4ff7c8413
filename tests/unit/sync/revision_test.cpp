// Which commit people are shown: the newest that is in force, also where it changes nothing.
#include "tests/unit/sync/world.h"

namespace gitopsd::sync::test {
namespace {

store::NewEvent polled(const CommitId& commit) {
  store::NewEvent event;
  event.cause = store::Cause::poll;
  event.repository = RepositoryName("site");
  event.ref = source::test::main_ref();
  event.after = commit;
  return event;
}

}  // namespace

TEST_CASE("a commit that changes nothing of an application is its revision without a sync") {
  World world;
  world.add("web");
  world.start();
  const auto synced = world.apply({{"web/a.yaml", thing("a", "1")}});
  const auto syncs = world.store->syncs(ApplicationUid("web"), 100).size();
  const auto elsewhere = world.apply({{"docs/x", "1"}});
  const auto s = world.await("web", SyncStatus::synced);
  CHECK(s.revision == elsewhere);
  CHECK(s.synced_revision == synced);
  CHECK(world.store->syncs(ApplicationUid("web"), 100).size() == syncs);
  CHECK(world.store->application(ApplicationUid("web"))->revision == synced);

  SUBCASE("and after a restart, once the repository was looked at") {
    world.restart();
    CHECK(eventually([&] { return world.status("web").revision == elsewhere; }));
    CHECK(world.status("web").synced_revision == synced);
  }
  SUBCASE("until something newer is in force") {
    const auto newer = world.apply({{"web/a.yaml", thing("a", "2")}});
    CHECK(world.status("web").revision == newer);
    CHECK(world.status("web").synced_revision == newer);
  }
  SUBCASE("and a rollback leads away from it") {
    world.apply({{"web/a.yaml", thing("a", "2")}});
    world.ended(world.dispatcher->rollback(ApplicationName("web"), std::nullopt, "ada"));
    CHECK(world.status("web").revision == synced);
    world.apply({{"docs/x", "2"}});
    CHECK(world.status("web").revision == synced);  // it has what was rolled back
  }
  SUBCASE("and drift is put back to it") {
    world.place.shut();
    world.place.change("a", "changed");
    world.place.await_waiting(1);
    CHECK(world.status("web").wanted == elsewhere);
    world.place.open();
  }
}

TEST_CASE("a commit between what is in force and one that was looked at is not gone back to") {
  World world;
  world.add("web");
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1")}});
  const auto between = world.commit({{"web/a.yaml", thing("a", "2")}});
  const auto newest = world.apply({{"web/a.yaml", thing("a", "1")}});
  REQUIRE(world.status("web").revision == newest);
  world.commit({{"docs/x", "1"}});
  const auto late = world.ended(world.deliver(between));
  CHECK(late.state == store::EventState::superseded);
  CHECK(late.reason == between.short_str() + " is behind what web has");
  CHECK(world.place.value("a") == "1");
  CHECK(world.status("web").revision == newest);
}

TEST_CASE("what goes along with a sync is in force with it") {
  World world;
  world.add("web");
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1")}});
  world.place.shut();
  world.push({{"web/a.yaml", thing("a", "2")}});
  world.place.await_waiting(1);
  const auto along = world.commit({{"docs/x", "1"}});
  const auto event = world.deliver(along);
  REQUIRE(eventually(
      [&] { return world.store->tip(RepositoryName("site"), source::test::main_ref()) == along; }));
  CHECK(world.status("web").revision != along);
  world.place.open();
  CHECK(world.ended(event).state == store::EventState::succeeded);
  CHECK(world.status("web").revision == along);
}

TEST_CASE("what was not let through is not in force") {
  World world;
  world.add("web");
  SUBCASE("it failed") {
    world.start();
    const auto synced = world.apply({{"web/a.yaml", thing("a", "1")}});
    world.ended(world.push({{"web/a.yaml", "spec: ["}}));
    CHECK(world.status("web").revision == synced);
  }
  SUBCASE("the application is suspended") {
    world.start();
    const auto synced = world.apply({{"web/a.yaml", thing("a", "1")}});
    world.config.applications[0].suspended = true;
    world.reload();
    world.push({{"web/a.yaml", thing("a", "2")}});
    world.await("web", Phase::held);
    CHECK(world.status("web").revision == synced);
  }
  SUBCASE("nobody signed it") {
    world.config.repositories[0].require_signed = true;
    world.start();
    const auto synced = world.apply({{"web/a.yaml", thing("a", "1")}});
    const auto event = world.store->add_event(polled(world.commit({{"docs/x", "1"}})));
    world.dispatcher->notify({event});
    world.ended(event);
    world.reload();
    CHECK(world.status("web").revision == synced);
    CHECK(world.status("web").waits_for.find("only reported") != std::string::npos);
    // One that was signed has it behind it.
    const auto newer = world.apply({{"docs/x", "2"}});
    CHECK(world.status("web").revision == newer);
    CHECK(world.status("web").waits_for.empty());
  }
}

}  // namespace gitopsd::sync::test
