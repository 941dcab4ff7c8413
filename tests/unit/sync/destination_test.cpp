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
  REQUIRE(eventually([&] { return world.store->event(event)->attempts >= 6; }, std::chrono::seconds(60)));
  const auto back = Monotonic::now();
  world.place.come_back();
  CHECK(world.ended(event).state == EventState::succeeded);
  CHECK(Monotonic::now() - back < std::chrono::seconds(10));
  CHECK(world.place.value("a") == "1");
}

TEST_CASE("what failed is tried again when the destination offers something else") {
  World world;
  world.add("web");
  world.add("shop");
  world.start();
  world.apply({{"web/c.yaml", thing("c", "1")}, {"shop/b.yaml", thing("b", "1")}});
  world.place.refuse("a", true, ProblemCause::permission);  // which is not tried again by itself
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

TEST_CASE("while a destination is away all of it is unknown, and compared at once when it is back") {
  World world;
  world.add("web");
  world.add("shop");
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1")}, {"shop/b.yaml", thing("b", "1")}});
  for (const auto* name : {"web", "shop"}) world.await(name, SyncStatus::synced);
  const auto before = system_clock().wall();
  world.place.go_away("no route to it");
  for (const auto* name : {"web", "shop"}) {
    const auto status = world.status(name);
    CHECK(status.status == SyncStatus::unknown);
    CHECK(status.health == protocol::Health::unknown);
    CHECK(status.waits_for == "destination here: no route to it");
  }
  auto there = world.dispatcher->destinations().at(0);
  CHECK(there.connected);
  CHECK_FALSE(there.reachable);
  CHECK(there.error == "no route to it");
  CHECK(there.since >= before);
  // Other words are the same absence.
  world.place.say({"away", "it refuses", "log in", true, {}});
  CHECK(world.dispatcher->destinations().at(0).since == there.since);
  CHECK(world.dispatcher->destinations().at(0).error == "it refuses (log in)");
  world.place.come_back();
  CHECK(world.dispatcher->destinations().at(0).reachable);
  for (const auto* name : {"web", "shop"}) CHECK(world.await(name, SyncStatus::synced).waits_for.empty());
}

TEST_CASE("after a destination was away nothing counts that was compared before") {
  World world;
  world.add("web");
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1")}});
  world.await("web", SyncStatus::synced);
  world.place.go_away("no route to it");
  world.place.say({"away"});  // and it cannot be looked at yet
  CHECK(world.status("web").status == SyncStatus::unknown);
  world.place.come_back();
  world.await("web", SyncStatus::synced);
}

TEST_CASE(
    "what a provider says of its destination is shown to those whom it concerns, and changes nothing else") {
  World world;
  world.add("web");
  world.add("shop");
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1")}, {"shop/b.yaml", thing("b", "1")}});
  world.await("web", SyncStatus::synced);
  world.place.say({"one", "things are slow", "hurry", false, {world.status("web").uid.str(), "somebody"}});
  world.place.say({"two", "all is slow"});
  const auto there = world.dispatcher->destinations().at(0);
  CHECK(there.reachable);
  REQUIRE(there.conditions.size() == 2);
  CHECK(there.conditions[0].applications == std::vector{ApplicationName("web")});
  const auto web = world.status("web");
  REQUIRE(web.conditions.size() == 2);
  CHECK(web.conditions[0].message == "things are slow");
  CHECK(web.conditions[0].hint == "hurry");
  CHECK(web.status == SyncStatus::synced);
  REQUIRE(world.status("shop").conditions.size() == 1);
  CHECK(world.status("shop").conditions[0].message == "all is slow");
  for (const auto* key : {"one", "two"}) world.place.say({key});
  CHECK(world.status("web").conditions.empty());
}

TEST_CASE("what a provider says is bounded, and an absence is never lost") {
  Conditions conditions;
  for (int i = 0; i < 2000; ++i) conditions.take({std::to_string(i), std::string(5000, 'x')}, i);
  CHECK(conditions.all().size() == 1000);
  CHECK(conditions.all().front().condition.message.size() < 2100);
  CHECK_FALSE(unreachable_in(conditions.all()));
  conditions.take({"away", "gone", {}, true, {}}, 5000);
  REQUIRE(unreachable_in(conditions.all()));
  CHECK(unreachable_in(conditions.all())->since == 5000);
  conditions.take({"away"}, 6000);
  CHECK_FALSE(unreachable_in(conditions.all()));
}

TEST_CASE(
    "an application that goes to another destination begins anew there, and what it had is an orphan's") {
  Place elsewhere;
  World world;
  world.elsewhere = &elsewhere;
  world.add("web");
  auto there = world.config.destinations[0];
  there.name = DestinationName("there");
  there.settings = Value::object({{"place", "there"}});
  world.config.destinations.push_back(there);
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1")}, {"web/b.yaml", thing("b", "1")}});

  world.config.applications[0].destination = there.name;
  SUBCASE("at a reload") {
    world.reload();
  }
  SUBCASE("at a start") {
    world.restart();
  }
  CHECK(eventually([&] { return elsewhere.ids() == std::set<std::string>{"a", "b"}; }));
  CHECK(world.await("web", SyncStatus::synced).resources == 2);
  CHECK(world.place.ids() == std::set<std::string>{"a", "b"});
  const auto left = world.status("web@here");
  CHECK(left.orphaned);
  CHECK(left.resources == 2);
  CHECK(left.released_by == "gitopsctl delete web@here --cascade");
  elsewhere.change("a", "by hand");
  CHECK(eventually([&] { return elsewhere.value("a") == "1"; }));

  // Back: what it left is its own again, and what is declared no more goes by the rules.
  world.config.applications[0].destination = DestinationName("here");
  world.reload();
  CHECK(eventually([&] { return world.store->inventory_count(ApplicationUid("web@there")) == 2; }));
  CHECK(world.await("web", SyncStatus::synced).resources == 2);
  CHECK(world.place.births_of("a") == 1);
  CHECK(world.place.owner("a") == "web");
  // What is left at the other one goes when somebody says so.
  CHECK(world.ended(world.dispatcher->delete_cascade(ApplicationName("web@there"), "ada")).state ==
        store::EventState::succeeded);
  CHECK(elsewhere.ids().empty());
  CHECK(world.place.ids() == std::set<std::string>{"a", "b"});
}

TEST_CASE("a destination that only got another name is the same") {
  World world;
  world.add("web");
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1")}});
  world.config.destinations[0].name = DestinationName("renamed");
  world.config.applications[0].destination = DestinationName("renamed");
  world.reload();
  CHECK(world.await("web", SyncStatus::synced).resources == 1);
  CHECK(world.dispatcher->status().size() == 1);
  CHECK(world.place.births_of("a") == 1);
}

TEST_CASE("what is left at a destination that left the configuration is not forgotten") {
  Place elsewhere;
  World world;
  world.elsewhere = &elsewhere;
  world.add("web");
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1")}});
  world.config.destinations[0].name = DestinationName("there");
  world.config.destinations[0].settings = Value::object({{"place", "there"}});
  world.config.applications[0].destination = DestinationName("there");
  world.reload();
  CHECK(eventually([&] { return elsewhere.value("a") == "1"; }));
  CHECK(world.status("web@here").resources == 1);
  CHECK_THROWS_WITH_AS(world.dispatcher->delete_cascade(ApplicationName("web@here"), "ada"),
                       doctest::Contains("destination here of application web@here is not configured"),
                       Failure);
  CHECK(world.place.value("a") == "1");
}
