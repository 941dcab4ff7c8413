// A sync that goes on past what failed, at a destination whose waves stand for what is required alone.
#include "tests/unit/sync/world.h"

namespace gitopsd::sync::test {
namespace {

using protocol::Health;
using store::EventState;

/// c requires a, d requires b, e requires d.
std::map<std::string, std::string> five(const std::string& value) {
  return {{"web/a.yaml", thing("a", value)},
          {"web/b.yaml", thing("b", value)},
          {"web/c.yaml", thing("c", value, "wave: 1\n  requires: a")},
          {"web/d.yaml", thing("d", value, "wave: 1\n  requires: b")},
          {"web/e.yaml", thing("e", value, "wave: 2\n  requires: d")}};
}

}  // namespace

TEST_CASE("what requires nothing that failed is applied all the same, where waves stand for that alone") {
  for (const bool independent : {true, false}) {
    CAPTURE(independent);
    World world;
    if (independent) world.place.be_independent();
    world.add("web");
    world.start();
    bool refuses = false;
    SUBCASE("it does not become healthy") {
      world.place.set_health("b", Health::degraded);
    }
    SUBCASE("it is refused") {
      world.place.refuse("b");
      refuses = true;
    }
    const auto event = world.ended(world.push(five("1")));
    CHECK(event.state == EventState::failed);
    CHECK(world.place.value("a") == "1");
    CHECK(world.place.value("c") == (independent ? "1" : ""));
    CHECK(world.place.value("d").empty());
    CHECK(world.place.value("e").empty());
    CHECK(event.error.find(refuses ? "b: refused" : "b is Degraded") != std::string::npos);
    CHECK((event.error.find("d is not begun: it requires b") != std::string::npos) == independent);
    CHECK((event.error.find("e is not begun: it requires d") != std::string::npos) == independent);

    // The next attempt does what is missing.
    world.place.set_health("b", Health::healthy);
    world.place.refuse("b", false);
    world.await("web", SyncStatus::synced);
    CHECK(world.place.value("e") == "1");
    CHECK(world.place.changes_of("a") == 1);
  }
}

TEST_CASE("past what failed nothing is deleted") {
  World world;
  world.place.be_independent();
  world.add("web");
  world.start();
  auto files = five("1");
  files.emplace("web/x.yaml", thing("x", "1"));
  world.apply(files);
  world.place.refuse("b");
  world.commit(five("2"));
  CHECK(world.ended(world.deliver(world.remove("web/x.yaml"))).state == EventState::failed);
  CHECK(world.place.value("c") == "2");
  CHECK(world.place.value("e") == "1");
  CHECK(world.place.value("x") == "1");
  world.place.refuse("b", false);
  world.await("web", SyncStatus::synced);
  CHECK(world.place.value("e") == "2");
  CHECK(world.place.value("x").empty());
}

}  // namespace gitopsd::sync::test
