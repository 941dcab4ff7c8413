// Hooks: when they run, what they hold up, and that each runs once in a sync, also in one that is cut off.
#include "tests/unit/sync/world.h"

namespace gitopsd::sync::test {
namespace {

using protocol::Health;
using Order = std::vector<std::string>;
using Files = std::map<std::string, std::string>;

const ApplicationName kHooked("web");

/// A hook at these times, in a file of its own.
std::string hook(const std::string& name, const std::string& times, const std::string& more = {}) {
  return thing(name, "run", "hook: " + times + (more.empty() ? std::string() : "\n  " + more));
}

/// What was carried out since.
Order since(const World& world, std::size_t before) {
  Order all = world.place.order();
  return {all.begin() + static_cast<std::ptrdiff_t>(before), all.end()};
}

void await_step(const World& world, const std::string& step) {
  REQUIRE_MESSAGE(eventually([&] {
                    const auto order = world.place.order();
                    return !order.empty() && order.back() == step;
                  }),
                  step << " is not the last that was carried out");
}

}  // namespace

TEST_CASE("hooks run before, among and after a sync, in waves, and each is waited for") {
  World world;
  world.add("web");
  world.start();
  world.place.set_health("b", Health::progressing);
  const auto event = world.push({{"web/a.yaml", thing("a", "1")},
                                 {"web/b.yaml", hook("b", "pre", "wave: 1")},
                                 {"web/c.yaml", hook("c", "pre")},
                                 {"web/d.yaml", hook("d", "sync", "wave: 1")},
                                 {"web/e.yaml", hook("e", "post")},
                                 {"web/f.yaml", hook("f", "fail")}});
  const auto waiting = world.await("web", Phase::waiting_health);
  CHECK(world.place.order() == Order{"run pre c", "run pre b"});
  CHECK(waiting.waits_for.find("b is progressing") != std::string::npos);
  world.place.set_health("b", Health::healthy);
  CHECK(world.ended(event).state == store::EventState::succeeded);
  CHECK(world.place.order() == Order{"run pre c", "run pre b", "a", "run sync d", "run post e"});
  CHECK(world.store->open_effects(ApplicationUid("web")).empty());
}

TEST_CASE("hooks run with every change, of whatever file, and never without one") {
  World world;
  world.add("web");
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1")}, {"web/b.yaml", hook("b", "pre post")}});
  const Order first{"run pre b", "a", "run post b"};
  CHECK(world.place.order() == first);
  world.apply({{"web/a.yaml", thing("a", "2")}});
  CHECK(since(world, 3) == first);
  CHECK(world.ended(world.dispatcher->sync_now(kHooked, "ada")).state == store::EventState::succeeded);
  world.apply({{"web/notes.txt", "no manifest"}});
  world.place.change("a", "changed");
  CHECK(eventually([&] { return world.place.value("a") == "2"; }));
  world.place.change("b", "changed");
  world.await("web", SyncStatus::synced);
  CHECK(since(world, 6) == Order{"a"});
  world.apply({{"web/b.yaml", hook("b", "post")}});  // news of the hook itself
  CHECK(since(world, 7) == Order{"run post b"});
  world.ended(world.dispatcher->rollback(kHooked, std::nullopt, "ada"));
  CHECK(since(world, 8) == Order{"run pre b", "run post b"});
}

TEST_CASE("a hook that leaves the repository is deleted, which is no loss") {
  World world;
  world.add("web");
  world.start();
  world.apply({{"web/a.yaml", hook("a", "pre")}, {"web/b.yaml", hook("b", "pre")}});
  world.commit({{"web/c.yaml", thing("c", "1")}});
  world.remove("web/a.yaml");
  CHECK(world.ended(world.deliver(world.remove("web/b.yaml"))).state == store::EventState::succeeded);
  CHECK(world.place.ids() == std::set<std::string>{"c"});
}

TEST_CASE("a hook that fails stops the sync, runs what is for that, and runs anew with the next") {
  World world;
  world.add("web");
  world.start();
  world.place.set_health("b", Health::degraded);
  const Files files{
      {"web/a.yaml", thing("a", "1")}, {"web/b.yaml", hook("b", "pre")}, {"web/c.yaml", hook("c", "fail")}};
  const auto failed = world.ended(world.push(files));
  CHECK(failed.state == store::EventState::failed);
  CHECK(failed.error.find("the hook b failed") != std::string::npos);
  CHECK(world.place.order() == Order{"run pre b", "run fail c"});
  world.place.set_health("b", Health::healthy);
  CHECK(world.ended(world.dispatcher->sync_now(kHooked, "ada")).state == store::EventState::succeeded);
  CHECK(since(world, 2) == Order{"run pre b", "a"});
  CHECK(world.store->open_effects(ApplicationUid("web")).empty());
}

TEST_CASE("hooks for a failure run when something may have been applied, and not when nothing was planned") {
  World world;
  world.add("web");
  world.start();
  world.place.refuse("a", true, ProblemCause::permission);  // which is not tried again by itself
  const auto event =
      world.ended(world.push({{"web/a.yaml", thing("a", "1")}, {"web/c.yaml", hook("c", "fail")}}));
  CHECK(event.state == store::EventState::failed);
  CHECK(world.place.order() == Order{"run fail c"});
  world.commit({{"web/b.yaml", "kind: [broken"}});
  CHECK(world.ended(world.deliver(world.origin.tip())).state == store::EventState::failed);
  CHECK(since(world, 1).empty());
}

/// Applied after its pre-hook `b`, `a` is not well, so that the post-hook `c` is owed; its event.
static store::Event fail_between_hooks(World& world) {
  world.add("web");
  world.start();
  world.place.set_health("a", Health::degraded);
  return world.ended(world.push({{"web/a.yaml", thing("a", "1")},
                                 {"web/b.yaml", hook("b", "pre")},
                                 {"web/c.yaml", hook("c", "post")}}));
}

TEST_CASE("what a failed sync owes is run when the same is tried again, and nothing twice") {
  World world;
  const auto failed = fail_between_hooks(world);
  CHECK(failed.error.find("a is Degraded") != std::string::npos);
  CHECK(world.place.order() == Order{"run pre b", "a"});
  // It is applied, and still not well.
  CHECK(world.ended(world.dispatcher->sync_now(kHooked, "ada")).state == store::EventState::failed);
  CHECK(since(world, 2).empty());
  world.place.set_health("a", Health::healthy);
  CHECK(world.ended(world.dispatcher->sync_now(kHooked, "ada")).state == store::EventState::succeeded);
  CHECK(since(world, 2) == Order{"run post c"});
}

TEST_CASE("a hook that is done is not run again while attempts go on, however old its record is") {
  World world;
  const auto failed = fail_between_hooks(world);
  CHECK(failed.state == store::EventState::failed);
  CHECK(world.ended(world.dispatcher->sync_now(kHooked, "ada")).state == store::EventState::failed);
  while (world.store->retain(system_clock().wall() + 1'000'000)) continue;
  world.place.set_health("a", Health::healthy);
  CHECK(world.ended(world.dispatcher->sync_now(kHooked, "ada")).state == store::EventState::succeeded);
  CHECK(world.place.order() == Order{"run pre b", "a", "run post c"});
}

TEST_CASE("a sync that is cut off goes on with its hooks where it was") {
  World world;
  world.add("web");
  world.start();
  const auto cut_off = [&](const char* hook_step, const char* id) {
    await_step(world, hook_step);
    world.await("web", Phase::waiting_health);
    world.restart();
    world.await("web", Phase::waiting_health);
    world.place.set_health(id, Health::healthy);
  };
  for (const char* id : {"b", "c", "d"}) world.place.set_health(id, Health::progressing);
  const auto event = world.push({{"web/a.yaml", thing("a", "1")},
                                 {"web/b.yaml", hook("b", "pre")},
                                 {"web/c.yaml", hook("c", "sync", "wave: 1")},
                                 {"web/d.yaml", hook("d", "pre post", "wave: 2")}});
  cut_off("run pre b", "b");
  await_step(world, "run pre d");
  world.place.set_health("d", Health::healthy);
  await_step(world, "run sync c");
  world.place.set_health("d", Health::progressing);
  cut_off("run sync c", "c");
  cut_off("run post d", "d");
  CHECK(world.ended(event).state == store::EventState::succeeded);
  CHECK(world.place.order() == Order{"run pre b", "run pre d", "a", "run sync c", "run post d"});
}

TEST_CASE("a sync that is cut off between the work and its last hook still runs it") {
  World world;
  world.add("web");
  world.start();
  world.place.set_health("a", Health::progressing);
  const auto event = world.push({{"web/a.yaml", thing("a", "1")}, {"web/b.yaml", hook("b", "post")}});
  await_step(world, "a");
  world.await("web", Phase::waiting_health);
  world.restart();
  CHECK(world.await("web", Phase::waiting_health).waits_for.find("a is progressing") != std::string::npos);
  world.place.set_health("a", Health::healthy);
  CHECK(world.ended(event).state == store::EventState::succeeded);
  CHECK(world.place.order() == Order{"a", "run post b"});
}

TEST_CASE("a sync that is cut off while its failure is handled has failed") {
  World world;
  world.add("web");
  world.start();
  world.place.set_health("b", Health::degraded);
  world.place.set_health("c", Health::progressing);
  const auto event = world.push(
      {{"web/a.yaml", thing("a", "1")}, {"web/b.yaml", hook("b", "pre")}, {"web/c.yaml", hook("c", "fail")}});
  await_step(world, "run fail c");
  world.await("web", Phase::waiting_health);
  world.restart();
  world.await("web", Phase::waiting_health);
  world.place.set_health("c", Health::healthy);
  CHECK(world.ended(event).state == store::EventState::failed);
  CHECK(world.place.order() == Order{"run pre b", "run fail c"});
}

TEST_CASE("a sync that is cut off before it fails has its failure handled once, and only then") {
  World world;
  world.add("web");
  world.start();
  world.place.set_health("a", Health::progressing);
  world.place.set_health("c", Health::progressing);
  const auto event = world.push({{"web/a.yaml", thing("a", "1")}, {"web/c.yaml", hook("c", "fail")}});
  await_step(world, "a");
  world.await("web", Phase::waiting_health);
  world.restart();
  world.await("web", Phase::waiting_health);
  SUBCASE("it fails") {
    world.place.set_health("a", Health::degraded);
    await_step(world, "run fail c");
    world.await("web", Phase::waiting_health);
    world.restart();
    world.await("web", Phase::waiting_health);
    world.place.set_health("c", Health::healthy);
    const auto failed = world.ended(event);
    CHECK(failed.state == store::EventState::failed);
    CHECK(failed.error.find("a is Degraded") != std::string::npos);
    CHECK(world.place.order() == Order{"a", "run fail c"});
  }
  SUBCASE("it ends well") {
    world.place.set_health("a", Health::healthy);
    CHECK(world.ended(event).state == store::EventState::succeeded);
    CHECK(world.place.order() == Order{"a"});
  }
  CHECK(world.store->open_effects(ApplicationUid("web")).empty());
}

TEST_CASE("a newer commit waits for the hook that runs, and then comes instead") {
  World world;
  world.add("web");
  world.start();
  world.place.set_health("b", Health::progressing);
  const auto older = world.push({{"web/a.yaml", thing("a", "1")}, {"web/b.yaml", hook("b", "pre")}});
  await_step(world, "run pre b");
  const auto newer = world.push({{"web/a.yaml", thing("a", "2")}});
  REQUIRE(eventually([&] { return world.store->event(newer)->state == store::EventState::held; }));
  CHECK(world.store->event(newer)->reason.find("has to end first") != std::string::npos);
  CHECK(world.place.order() == Order{"run pre b"});
  world.place.set_health("b", Health::healthy);
  CHECK(world.ended(older).state == store::EventState::superseded);
  CHECK(world.ended(newer).state == store::EventState::succeeded);
  CHECK(since(world, 1) == Order{"run pre b", "a"});
  CHECK(world.place.value("a") == "2");
}

TEST_CASE("settings that change while a hook runs: it is waited for, and runs once for the same documents") {
  World world;
  world.add("web");
  world.start();
  world.place.set_health("b", Health::progressing);
  const auto first = world.push({{"web/a.yaml", thing("a", "1")}, {"web/b.yaml", hook("b", "pre")}});
  await_step(world, "run pre b");
  world.await("web", Phase::waiting_health);
  SUBCASE("a push that has nothing to do with it brings them up") {
    world.config.applications[0].exclude = {"nothing"};
    world.reload();
    const auto other = world.push({{"notes.txt", "no manifest"}});
    REQUIRE(eventually([&] { return world.store->event(other)->state == store::EventState::held; }));
    world.place.set_health("b", Health::healthy);
    CHECK(world.ended(other).state == store::EventState::succeeded);
  }
  SUBCASE("they come with a restart") {
    world.config.applications[0].exclude = {"nothing"};
    world.restart();
    world.await("web", Phase::waiting_health);
    world.place.set_health("b", Health::healthy);
  }
  SUBCASE("they are looked at when it has ended") {
    world.config.applications[0].exclude = {"nothing"};
    world.reload();
    world.place.set_health("b", Health::healthy);
    CHECK(eventually([&] {
      const auto events = world.store->events({});
      return events.front().cause == store::Cause::context && ended(events.front().state);
    }));
  }
  CHECK(world.ended(first).state == store::EventState::succeeded);
  world.await("web", SyncStatus::synced);
  CHECK(world.place.order() == Order{"run pre b", "a"});
  CHECK(world.store->open_effects(ApplicationUid("web")).empty());
}

TEST_CASE("settings that make other documents while a hook runs: it runs once more, when it has ended") {
  World world;
  world.add("web");
  world.start();
  world.place.set_health("b", Health::progressing);
  const auto first = world.push(
      {{"web/a.yaml", thing("a", "1")}, {"web/b.yaml", hook("b", "pre")}, {"web/c.yaml", thing("c", "1")}});
  await_step(world, "run pre b");
  world.await("web", Phase::waiting_health);
  world.config.applications[0].exclude = {"c.yaml"};
  world.reload();
  const auto other = world.push({{"notes.txt", "no manifest"}});
  REQUIRE(eventually([&] { return world.store->event(other)->state == store::EventState::held; }));
  CHECK(world.place.order() == Order{"run pre b"});
  world.place.set_health("b", Health::healthy);
  CHECK(world.ended(first).state == store::EventState::succeeded);
  CHECK(world.ended(other).state == store::EventState::succeeded);
  CHECK(world.place.order() == Order{"run pre b", "run pre b", "a"});
}

TEST_CASE("a newer commit that comes while a hook is begun waits for it as well") {
  World world;
  world.add("web");
  world.add("zoo");  // decided after the other
  world.start();
  world.apply({{"zoo/none.txt", ""}, {"web/none.txt", ""}});
  world.place.set_health("b", Health::progressing);
  world.place.shut();
  world.push({{"web/a.yaml", thing("a", "1")}, {"web/b.yaml", hook("b", "pre")}});
  world.place.await_waiting(1);
  const auto newer = world.push({{"web/a.yaml", thing("a", "2")}, {"zoo/z.yaml", thing("z", "1")}});
  world.place.await_waiting(2);
  world.place.open();
  const auto runs = [&] {
    const auto order = world.place.order();
    return std::count(order.begin(), order.end(), "run pre b");
  };
  REQUIRE(eventually([&] { return world.store->event(newer)->state == store::EventState::held; }));
  CHECK(runs() == 1);
  world.place.set_health("b", Health::healthy);
  CHECK(world.ended(newer).state == store::EventState::succeeded);
  CHECK(runs() == 2);
  CHECK(world.place.value("a") == "2");
}

TEST_CASE("a plan shows the hooks of a change") {
  World world;
  world.add("web");
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1")}, {"web/b.yaml", hook("b", "pre")}});
  CHECK(world.dispatcher->plan(kHooked, std::nullopt).steps.empty());
  const auto next = world.commit({{"web/a.yaml", thing("a", "2")}});
  const auto steps = world.dispatcher->plan(kHooked, next).steps;
  REQUIRE(steps.size() == 2);
  CHECK(steps[0].key == "run pre b");
  CHECK(world.place.order().size() == 2);
}

}  // namespace gitopsd::sync::test
