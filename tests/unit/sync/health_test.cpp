// What is applied and not healthy yet, or any more; and what is tried again by itself.
#include "tests/unit/sync/world.h"

namespace gitopsd::sync::test {
namespace {

using protocol::Health;
using namespace std::chrono_literals;

}  // namespace

TEST_CASE("drift is put back while a sync waits for health, of what it applied itself, too") {
  World world;
  world.add("web");
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1")}, {"web/b.yaml", thing("b", "1")}});
  world.place.set_health("a", Health::progressing);
  const auto event = world.push({{"web/a.yaml", thing("a", "2")}});
  world.await("web", Phase::waiting_health);
  for (const char* id : {"a", "b", "a"}) {
    world.place.change(id, "changed");
    CHECK(eventually([&] { return world.place.value(id) != "changed"; }));
  }
  CHECK(world.place.value("a") == "2");
  CHECK(world.place.value("b") == "1");
  CHECK(world.await("web", Phase::waiting_health).released_by == "its health");
  CHECK_THROWS(world.dispatcher->approve(ApplicationName("web"), {}, "ada"));
  world.place.set_health("a", Health::healthy);
  CHECK(world.ended(event).state == store::EventState::succeeded);
  CHECK(world.await("web", SyncStatus::synced).health == Health::healthy);
}

TEST_CASE("a heal waits for nobody's health, and the status says what ails") {
  World world;
  world.add("web");
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1")}, {"web/b.yaml", thing("b", "1")}});
  world.place.set_health("a", Health::degraded);
  CHECK(eventually([&] { return world.status("web").waits_for == "a is degraded"; }));
  CHECK(world.status("web").health == Health::degraded);
  for (const char* id : {"a", "b"}) {
    world.place.change(id, "changed");
    CHECK(eventually([&] { return world.place.value(id) == "1"; }));
  }
  const auto status = world.await("web", SyncStatus::synced);
  CHECK(status.health == Health::degraded);
  CHECK(status.error.empty());
  world.place.set_health("a", Health::healthy);
  CHECK(eventually([&] { return world.status("web").health == Health::healthy; }));
  CHECK(world.status("web").waits_for.empty());
}

TEST_CASE("a sync that was not healthy in time succeeds by itself once all is") {
  World world;
  world.add("web").health_timeout = 1ms;
  world.start();
  world.place.set_health("a", Health::progressing);
  const auto event =
      world.push({{"web/a.yaml", thing("a", "1")}, {"web/b.yaml", thing("b", "1", "wave: 1")}});
  CHECK(world.ended(event).state == store::EventState::failed);
  CHECK(
      eventually([&] { return world.status("web").waits_for.starts_with("its health: a is progressing"); }));
  CHECK(world.status("web").status == SyncStatus::out_of_sync);
  CHECK(world.place.value("b").empty());
  world.place.change("a", "changed");
  CHECK(eventually([&] { return world.place.value("a") == "1"; }));
  CHECK(world.place.value("b").empty());
  world.place.set_health("a", Health::healthy);
  CHECK(world.await("web", SyncStatus::synced).error.empty());
  CHECK(world.place.value("b") == "1");
}

TEST_CASE("what failed for what may pass is tried again by itself, and what the commit says is not") {
  World world;
  world.add("web");
  world.start();
  world.place.refuse("a");
  const auto event = world.push({{"web/a.yaml", thing("a", "1")}});
  CHECK(world.ended(event).state == store::EventState::failed);
  CHECK(eventually([&] { return world.status("web").waits_for.starts_with("being tried again in "); }));
  world.place.refuse("a", false);
  CHECK(world.await("web", SyncStatus::synced).error.empty());
  CHECK(world.place.value("a") == "1");

  CHECK(world.ended(world.push({{"web/a.yaml", "spec: ["}})).state == store::EventState::failed);
  CHECK(world.status("web").waits_for ==
        "a new state in the repository or the configuration, since the last sync failed");
}

TEST_CASE("what failed before is told no more beside a later attempt that waits for health") {
  World world;
  world.add("web");
  world.start();
  world.place.refuse("a");
  world.place.set_health("a", Health::progressing);
  CHECK(world.ended(world.push({{"web/a.yaml", thing("a", "1")}})).state == store::EventState::failed);
  CHECK(eventually([&] { return !world.status("web").error.empty(); }));
  world.place.refuse("a", false);
  CHECK(world.await("web", Phase::waiting_health).error.empty());
  world.place.set_health("a", Health::healthy);
  world.await("web", SyncStatus::synced);
}

TEST_CASE(
    "what the policy does not allow waits for somebody to write, in the repository or the configuration") {
  World world;
  auto& web = world.add("web");
  world.start();
  world.place.refuse("a", true, ProblemCause::permission);
  const auto event = world.push({{"web/a.yaml", thing("a", "1")}});
  CHECK(world.ended(event).state == store::EventState::failed);
  CHECK(world.status("web").waits_for ==
        "a new state in the repository or the configuration, since the last sync failed");
  world.place.refuse("a", false);
  web.policy = Value::object({{"kinds", "Thing"}});
  world.reload();
  CHECK(world.await("web", SyncStatus::synced).error.empty());
  CHECK(world.place.value("a") == "1");
}

TEST_CASE("nothing succeeds, and no later wave begins, past what is not healthy and was not touched") {
  for (const bool restarted : {false, true}) {
    CAPTURE(restarted);
    World world;
    world.add("web");
    world.start();
    world.place.set_health("a", Health::degraded);
    CHECK(
        world.ended(world.push({{"web/a.yaml", thing("a", "1")}, {"web/b.yaml", thing("b", "1", "wave: 1")}}))
            .state == store::EventState::failed);
    if (restarted) world.restart();
    const auto event = world.ended(world.push({{"web/c.yaml", thing("c", "1")}}));
    CHECK(event.state == store::EventState::failed);
    CHECK(world.status("web").error.find("a is Degraded") != std::string::npos);
    CHECK(world.place.value("c") == "1");
    CHECK(world.place.value("b").empty());
    world.place.set_health("a", Health::healthy);
    world.await("web", SyncStatus::synced);
    CHECK(world.place.value("b") == "1");
  }
}

TEST_CASE("waves of one group do not wait for each other's health, and the sync does") {
  World world;
  world.add("web");
  world.start();
  world.place.set_health("a", Health::progressing);
  const auto event = world.push({{"web/a.yaml", thing("a", "1", "group: first")},
                                 {"web/b.yaml", thing("b", "1", "wave: 1\n  group: first")},
                                 {"web/c.yaml", thing("c", "1", "wave: 2\n  group: second")},
                                 {"web/d.yaml", thing("d", "1", "wave: 3")}});
  world.await("web", Phase::waiting_health);
  CHECK(world.place.ids() == std::set<std::string>{"a", "b"});
  world.place.set_health("a", Health::healthy);
  CHECK(world.ended(event).state == store::EventState::succeeded);
  CHECK(world.place.order() == std::vector<std::string>{"a", "b", "c", "d"});
}

TEST_CASE("drift is put back while a sync backs off, and its event still ends") {
  World world;
  world.add("web");
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1")}, {"web/b.yaml", thing("b", "1")}});
  world.place.busy("b");
  const auto event = world.push({{"web/b.yaml", thing("b", "2")}});
  world.await("web", Phase::backing_off);
  for (int i = 0; i < 3; ++i) {
    world.place.change("a", "changed");
    CHECK(eventually([&] { return world.place.value("a") == "1"; }));
  }
  CHECK(world.place.value("b") == "1");
  world.place.busy("b", false);
  CHECK(world.ended(event).state == store::EventState::succeeded);
  CHECK(world.place.value("b") == "2");
}

TEST_CASE("what goes along with a sync that waits for approval says so") {
  World world;
  world.apply_then_ask({{"web/a.yaml", thing("a", "1")}});
  world.push({{"web/a.yaml", thing("a", "2")}});
  world.await("web", Phase::held);
  const auto event = world.push({{"other/b.yaml", thing("b", "1")}});
  CHECK(eventually([&] {
    const auto found = world.store->event(event);
    return found->state == store::EventState::held &&
           found->reason.find("gitopsctl approve web") != std::string::npos;
  }));
}

TEST_CASE("the error of the sync before is not told of the one that waits") {
  World world;
  world.apply_then_ask({{"web/a.yaml", thing("a", "1")}});
  CHECK(world.ended(world.push({{"web/a.yaml", "spec: ["}})).state == store::EventState::failed);
  CHECK(!world.status("web").error.empty());
  world.push({{"web/a.yaml", thing("a", "2")}});
  CHECK(world.await("web", Phase::held).error.empty());
}

}  // namespace gitopsd::sync::test
