// Promise 10: what is kept can be rolled back to, and a rollback holds.
#include "tests/unit/sync/world.h"

namespace gitopsd::sync::test {
namespace {

/// As many heals as a resource that somebody fights for sees in a day.
void record_heals(World& world, const std::string& app, int count) {
  for (int i = 0; i < count; ++i) {
    store::Sync heal;
    heal.application = ApplicationUid(app);
    heal.kind = "heal";
    heal.state = store::SyncState::running;
    world.store->set_sync(world.store->begin_sync(heal),
                          {store::SyncState::succeeded, {}, {}, {}, {}, 0, 1, 0, 0});
  }
}

}  // namespace

TEST_CASE("promise 10: many heals hide nothing that could be rolled back to") {
  World world;
  world.add("web");
  world.start();
  const auto first = world.apply({{"web/a.yaml", thing("a", "1")}});
  const auto second = world.apply({{"web/a.yaml", thing("a", "2")}});
  record_heals(world, "web", 210);
  const auto third = world.apply({{"web/a.yaml", thing("a", "3")}});
  record_heals(world, "web", 210);
  CHECK(world.ended(world.dispatcher->rollback(ApplicationName("web"), second, "ada")).state ==
        store::EventState::succeeded);
  CHECK(world.place.value("a") == "2");
  CHECK(world.ended(world.dispatcher->rollback(ApplicationName("web"), first, "ada")).state ==
        store::EventState::succeeded);
  CHECK(world.place.value("a") == "1");
  const auto app = world.store->application(ApplicationUid("web"));
  CHECK(app->revision == first);
  // Both stay away, also from those who ask again.
  CHECK(world.ended(world.deliver(third)).reason.find("rolled back") != std::string::npos);
  CHECK(world.place.value("a") == "1");
  CHECK(world.status("web").quarantined);
}

TEST_CASE("a rollback while a newer sync waits goes to the one before what is in force") {
  World world;
  auto& app = world.add("web");
  world.start();
  const auto first = world.apply({{"web/a.yaml", thing("a", "1")}});
  world.apply({{"web/a.yaml", thing("a", "2")}});
  app.approve = true;
  world.reload();
  const auto newer = world.push({{"web/a.yaml", thing("a", "3")}});
  world.await("web", Phase::held);
  const auto back = world.dispatcher->rollback(ApplicationName("web"), std::nullopt, "ada");
  CHECK(world.store->event(back)->after == first);
  CHECK(world.ended(newer).state == store::EventState::superseded);
  CHECK(world.store->event(newer)->reason.find("rollback to " + first.short_str()) != std::string::npos);
  const auto sync = world.store->syncs_of(newer);
  REQUIRE(sync.size() == 1);
  CHECK(eventually([&] { return world.store->sync(sync[0].id)->state == store::SyncState::superseded; }));
  REQUIRE(eventually([&] { return world.store->event(back)->state == store::EventState::held; }));
  world.dispatcher->approve(ApplicationName("web"), std::nullopt, "ada");
  CHECK(world.ended(back).state == store::EventState::succeeded);
  CHECK(world.place.value("a") == "1");
  // Neither what was in force nor what waited comes back by itself.
  CHECK(world.ended(world.deliver(world.store->event(newer)->after)).reason.find("rolled back") !=
        std::string::npos);
  CHECK(world.place.value("a") == "1");
}

TEST_CASE("a rollback to what is in force keeps only what waited away") {
  World world;
  auto& app = world.add("web");
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1")}});
  const auto second = world.apply({{"web/a.yaml", thing("a", "2")}});
  app.approve = true;
  world.reload();
  world.push({{"web/a.yaml", thing("a", "3")}});
  world.await("web", Phase::held);
  CHECK(world.ended(world.dispatcher->rollback(ApplicationName("web"), second, "ada")).state ==
        store::EventState::succeeded);
  CHECK(world.place.value("a") == "2");
  CHECK(world.store->application(ApplicationUid("web"))->quarantined.find(' ') == std::string::npos);
}

TEST_CASE("a rollback after a sync that went half-way takes back what that wrote") {
  World world;
  world.add("web");
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1")}, {"web/b.yaml", thing("b", "1")}});
  const auto second = world.apply({{"web/a.yaml", thing("a", "2")}});
  world.place.refuse("b");
  const auto half = world.push({{"web/a.yaml", thing("a", "3")}, {"web/b.yaml", thing("b", "3")}});
  CHECK(world.ended(half).state == store::EventState::failed);
  CHECK(world.place.value("a") == "3");
  world.place.refuse("b", false);
  const auto back = world.dispatcher->rollback(ApplicationName("web"), std::nullopt, "ada");
  CHECK(world.store->event(back)->after == second);
  CHECK(world.ended(back).state == store::EventState::succeeded);
  CHECK(world.place.value("a") == "2");
}

TEST_CASE("a rollback to a commit that changed nothing of the application goes to what was in force at it") {
  World world;
  world.add("web");
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1")}});
  const auto second = world.apply({{"web/a.yaml", thing("a", "2")}});
  const auto elsewhere = world.commit({{"docs/a", "a"}});  // nobody delivered it
  const auto third = world.apply({{"web/a.yaml", thing("a", "3")}});
  const auto after = world.apply({{"docs/a", "b"}});
  const auto back = world.dispatcher->rollback(ApplicationName("web"), elsewhere, "ada");
  CHECK(world.store->event(back)->after == second);
  CHECK(world.ended(back).state == store::EventState::succeeded);
  CHECK(world.place.value("a") == "2");
  // What was in force at the newest is what it has just been led away from.
  const auto refusal =
      source::test::failure_of([&] { world.dispatcher->rollback(ApplicationName("web"), after, "ada"); });
  CHECK(std::string(refusal.what()).find("rolled back from what was in force at " + after.str()) !=
        std::string::npos);
  CHECK(refusal.problems().front().hint.find("kept: " + second.short_str()) != std::string::npos);
  CHECK(refusal.problems().front().hint.find(third.short_str()) == std::string::npos);
}

TEST_CASE(
    "a rollback takes no commit that changed the application and never succeeded, nor one of elsewhere") {
  World world;
  world.add("web");
  world.start();
  const auto first = world.apply({{"web/a.yaml", thing("a", "1")}});
  const auto broken = world.commit({{"web/a.yaml", "a: ["}});
  CHECK(world.ended(world.deliver(broken)).state == store::EventState::failed);
  const auto beyond = world.commit({{"docs/a", "a"}});
  world.apply({{"web/a.yaml", thing("a", "2")}});
  const auto aside = world.commit({{"docs/a", "b"}}, "refs/heads/aside");
  for (const auto& commit : {broken, beyond, aside, CommitId::parse(std::string(40, '1')).value()}) {
    CAPTURE(commit.str());
    const auto refusal =
        source::test::failure_of([&] { world.dispatcher->rollback(ApplicationName("web"), commit, "ada"); });
    CHECK(refusal.problems().front().hint.find(first.short_str()) != std::string::npos);
  }
  CHECK(world.place.value("a") == "2");
}

TEST_CASE("a resume ends a rollback that waits for approval") {
  World world;
  world.add("web");
  world.start();
  const auto first = world.apply({{"web/a.yaml", thing("a", "1")}});
  std::map<std::string, std::string> more;
  for (const char* name : {"b", "c", "d", "e", "f"})
    more["web/" + std::string(name) + ".yaml"] = thing(name, "1");
  world.apply(more);
  const auto back = world.dispatcher->rollback(ApplicationName("web"), first, "ada");
  world.await("web", Phase::held);  // it would delete five of six
  world.dispatcher->resume(ApplicationName("web"), "ada");
  CHECK(world.ended(back).state == store::EventState::superseded);
  CHECK(world.await("web", SyncStatus::synced).quarantined == false);
  CHECK(world.place.ids().size() == 6);
}

}  // namespace gitopsd::sync::test
