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
