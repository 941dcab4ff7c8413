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

TEST_CASE("an application that owns nothing leaves no trace") {
  World world;
  world.add("web");
  world.add("shop");
  world.start();
  world.ended(world.push({{"web/a.yaml", thing("a", "1")}}));
  CHECK(world.status("shop").resources == 0);
  world.config.applications.clear();
  world.reload();
  CHECK(listed(world));
  const auto all = world.dispatcher->status();
  CHECK(std::none_of(all.begin(), all.end(), [](const auto& s) { return s.name.str() == "shop"; }));
  // It may come back like a new one.
  world.add("shop");
  world.reload();
  world.apply({{"shop/c.yaml", thing("c", "1")}});
  CHECK(world.await("shop", SyncStatus::synced).resources == 1);
}

TEST_CASE("what the deletion of an orphan would do, and waits for, is shown") {
  World world;
  world.apply_then_ask({{"web/a.yaml", thing("a", "1")}, {"web/b.yaml", thing("b", "1")}});
  world.config.applications.clear();
  world.reload();
  const auto plan = world.dispatcher->plan(kWeb, std::nullopt);
  CHECK(plan.steps.size() == 2);
  CHECK(plan.released_by == "gitopsctl delete web --cascade");
  CHECK_FALSE(plan.held);

  const auto event = world.dispatcher->delete_cascade(kWeb, "ada");
  const auto held = world.await("web", Phase::held);
  CHECK(held.orphaned);
  CHECK(held.waits_for.find("approve: true") != std::string::npos);
  const std::string command = "gitopsctl approve web --sync " + std::to_string(held.sync.value);
  CHECK(held.released_by.find(command) != std::string::npos);
  CHECK(world.dispatcher->plan(kWeb, std::nullopt).held == held.sync);
  world.dispatcher->approve(kWeb, held.sync, "ada");
  CHECK(world.ended(event).state == EventState::succeeded);
  CHECK_FALSE(listed(world));
}

TEST_CASE("a deletion of an orphan that failed says why") {
  World world;
  orphan(world);
  world.place.refuse("a");
  CHECK(world.ended(world.dispatcher->delete_cascade(kWeb, "ada")).state == EventState::failed);
  const auto status = world.status("web");
  CHECK(status.error.find("a: refused") != std::string::npos);
  CHECK(status.released_by == "gitopsctl delete web --cascade");
}

}  // namespace gitopsd::sync::test
