// An orphan that cannot be deleted, or is not to be, goes from the list by somebody's word alone.
#include <algorithm>

#include "base/json.h"
#include "tests/unit/sync/world.h"

namespace gitopsd::sync::test {
namespace {

using store::EventState;

const ApplicationName kForgotten("web"), kForgotLeft("web@here");

bool listed(const World& world, const ApplicationName& name) {
  const auto all = world.dispatcher->status();
  return std::any_of(all.begin(), all.end(), [&](const auto& s) { return s.name == name; });
}

/// What the audit has of it.
std::vector<Value> forgetting(const World& world) {
  std::vector<Value> found;
  for (const auto& one : world.store->audit_log(1, 1000))
    if (auto entry = parse_json(one.entry); entry.get_string("action") == "forget")
      found.push_back(std::move(entry));
  return found;
}

/// `web` with two things went from a destination that left the configuration.
struct Moved {
  Place elsewhere;
  World world;
  Moved() {
    world.elsewhere = &elsewhere;
    world.add("web");
    world.start();
    world.apply({{"web/a.yaml", thing("a", "1")}, {"web/b.yaml", thing("b", "1")}});
    go("there");
  }
  void go(const std::string& to) {
    const ApplicationName left("web@" + world.config.destinations[0].name.str());
    world.config.destinations[0].name = DestinationName(to);
    world.config.destinations[0].settings = Value::object({{"place", to}});
    world.config.applications[0].destination = DestinationName(to);
    world.reload();
    REQUIRE(eventually([&] { return listed(world, left) && world.status("web").resources == 2; }));
  }
};

/// The same two things, of an application that left the configuration.
void forgotten_orphan(World& world) {
  world.apply_then_ask({{"web/a.yaml", thing("a", "1")}, {"web/b.yaml", thing("b", "1")}});
  world.config.applications.clear();
  world.reload();
}

}  // namespace

TEST_CASE("an orphan at a destination that left the configuration is forgotten, and what it has stays") {
  Moved moved;
  auto& world = moved.world;
  const auto left = world.status("web@here");
  CHECK(left.released_by == "gitopsctl forget web@here, since destination here is not configured any more");
  const auto forgotten = world.dispatcher->forget(kForgotLeft, "ada");
  CHECK(forgotten.resources == 2);
  CHECK(forgotten.destination.str() == "here");
  CHECK_FALSE(listed(world, kForgotLeft));
  CHECK_THROWS_AS(world.dispatcher->forget(kForgotLeft, "ada"), Failure);
  world.restart();
  CHECK_FALSE(listed(world, kForgotLeft));
  CHECK(world.place.ids() == std::set<std::string>{"a", "b"});

  const auto audit = forgetting(world);
  REQUIRE(audit.size() == 3);
  CHECK(audit[0].get_string("who") == "ada");
  CHECK(audit[0].get_string("application") == "web@here");
  CHECK(audit[0].get_string("destination") == "here");
  CHECK(audit[0].get_int("resources") == 2);
  CHECK(audit[1].get_string("resource") == "a");
  CHECK(audit[2].get_string("resource") == "b");

  // Back there, what it declares is its own again, as it is.
  moved.go("here");
  CHECK(world.await("web", SyncStatus::synced).resources == 2);
  CHECK(world.place.births_of("a") == 1);
  CHECK(world.place.changes_of("a") <= 2);
}

TEST_CASE("an application that is configured is not forgotten, nor one that nobody knows") {
  Moved moved;
  CHECK_THROWS_WITH_AS(moved.world.dispatcher->forget(kForgotten, "ada"),
                       doctest::Contains("application web is configured"), Failure);
  CHECK(moved.world.status("web").resources == 2);
  CHECK_THROWS_WITH_AS(moved.world.dispatcher->forget(ApplicationName("webb"), "ada"),
                       doctest::Contains("did you mean \"web\"?"), Failure);
}

TEST_CASE("what waits for approval ends when its application is forgotten") {
  World world;
  forgotten_orphan(world);
  const auto event = world.dispatcher->delete_cascade(kForgotten, "ada");
  const auto held = world.await("web", Phase::held).sync;
  CHECK(world.dispatcher->forget(kForgotten, "bob").resources == 2);
  CHECK_FALSE(listed(world, kForgotten));
  const auto ended = world.ended(event);
  CHECK(ended.state == EventState::superseded);
  CHECK(ended.reason == "forgotten by bob");
  CHECK(eventually([&] { return world.store->sync(held)->state == store::SyncState::superseded; }));
  CHECK(world.place.ids() == std::set<std::string>{"a", "b"});
}

TEST_CASE("a deletion that is tried again and again ends when its application is forgotten") {
  World world;
  forgotten_orphan(world);
  world.place.break_off();
  const auto event = world.dispatcher->delete_cascade(kForgotten, "ada");
  world.await("web", Phase::backing_off);
  REQUIRE(eventually([&] {
    try {
      return world.dispatcher->forget(kForgotten, "ada").resources == 2;
    } catch (const Failure& failure) {  // one attempt is under way
      return failure.cause() != ProblemCause::conflict;
    }
  }));
  CHECK(world.ended(event).reason == "forgotten by ada");
  CHECK_FALSE(listed(world, kForgotten));
  world.place.come_back();
  CHECK(world.place.ids() == std::set<std::string>{"a", "b"});
}

TEST_CASE("an orphan is not forgotten while what it owns is being deleted") {
  World world;
  world.add("web");
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1")}, {"web/b.yaml", thing("b", "1")}});
  world.config.applications.clear();
  world.reload();
  world.place.shut();
  const auto event = world.dispatcher->delete_cascade(kForgotten, "ada");
  world.place.await_waiting(1);
  CHECK_THROWS_WITH_AS(world.dispatcher->forget(kForgotten, "ada"),
                       doctest::Contains("is being deleted at this moment"), Failure);
  world.place.open();
  CHECK(world.ended(event).state == EventState::succeeded);
  CHECK_FALSE(listed(world, kForgotten));
}

TEST_CASE("what was forgotten goes to another application that declares it") {
  World world;
  world.add("web");
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1")}});
  world.config.applications.clear();
  world.add("shop");
  world.reload();
  CHECK(world.dispatcher->forget(kForgotten, "ada").resources == 1);
  world.apply({{"shop/a.yaml", thing("a", "2")}});
  CHECK(world.place.owner("a") == "shop");
  CHECK(world.place.births_of("a") == 1);
}

}  // namespace gitopsd::sync::test
