// An application that is to go with all that it owns is forgotten when that is gone, not before.
#include <algorithm>

#include "tests/unit/sync/world.h"

namespace gitopsd::sync::test {
namespace {

using store::EventState;

const ApplicationName kWeb("web");
const ApplicationUid kUid("web");

/// A change that nobody knows the end of.
void leave_open(World& world, const std::string& id) {
  store::InventoryEntry entry;
  entry.id = ResourceId(id);
  entry.intended_digest = "aa";
  world.store->intend(kUid, world.store->application(kUid)->last_sync, std::vector{entry});
}

bool listed(const World& world) {
  const auto all = world.dispatcher->status();
  return std::any_of(all.begin(), all.end(), [](const auto& s) { return s.name == kWeb; });
}

/// A world in which `web` owns two things and has left the configuration.
void orphan(World& world) {
  world.add("web");
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1")}, {"web/b.yaml", thing("b", "1")}});
  world.config.applications.clear();
  world.reload();
}

}  // namespace

TEST_CASE("promise 6: an orphan is forgotten with the last of what it owns") {
  World world;
  orphan(world);
  CHECK(world.status("web").orphaned);
  CHECK(world.ended(world.dispatcher->delete_cascade(kWeb, "ada")).state == EventState::succeeded);
  CHECK(world.place.ids().empty());
  CHECK_FALSE(listed(world));
  CHECK_FALSE(world.store->application(kUid));
}

TEST_CASE("promise 6: an orphan stays while it is not known whether something of it is left") {
  World world;
  orphan(world);
  leave_open(world, "c");
  world.place.hide("c");
  const auto event = world.ended(world.dispatcher->delete_cascade(kWeb, "ada"));
  CHECK(event.state == EventState::failed);
  CHECK(event.error.find("c could not be confirmed gone") != std::string::npos);
  CHECK(world.status("web").orphaned);
  CHECK(world.status("web").resources == 1);
  world.place.hide("c", false);
  CHECK(world.ended(world.dispatcher->delete_cascade(kWeb, "ada")).state == EventState::succeeded);
  CHECK_FALSE(listed(world));
}

TEST_CASE("what somebody else has where an orphan never succeeded does not keep it") {
  World world;
  orphan(world);
  leave_open(world, "c");
  world.place.occupy("c");
  CHECK(world.ended(world.dispatcher->delete_cascade(kWeb, "ada")).state == EventState::succeeded);
  CHECK_FALSE(listed(world));
}

TEST_CASE("an orphan that is deleted twice at once is deleted once") {
  World world;
  orphan(world);
  world.place.shut();
  const auto first = world.dispatcher->delete_cascade(kWeb, "ada");
  world.place.await_waiting(1);
  const auto second = world.dispatcher->delete_cascade(kWeb, "ada");
  world.place.open();
  world.ended(first);
  CHECK(world.ended(second).state == EventState::succeeded);
  CHECK(world.place.ids().empty());
  CHECK(eventually([&] { return !listed(world); }));
  CHECK_THROWS_AS(world.dispatcher->delete_cascade(kWeb, "ada"), Failure);
}

TEST_CASE("what was deleted comes back with the configuration") {
  World world;
  orphan(world);
  world.ended(world.dispatcher->delete_cascade(kWeb, "ada"));
  world.add("web");
  world.reload();
  CHECK(eventually([&] { return world.place.ids() == std::set<std::string>{"a", "b"}; }));
  CHECK_FALSE(world.await("web", SyncStatus::synced).orphaned);
}

}  // namespace gitopsd::sync::test
