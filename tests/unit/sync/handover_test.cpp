// What moves from one application to another is never deleted on the way, whoever goes first.
#include <algorithm>

#include "tests/unit/sync/world.h"

namespace gitopsd::sync::test {
namespace {

using store::EventState;

const ApplicationUid kAlpha("a"), kBeta("b");
const ApplicationName kFirst("a");

/// Both have something of their own, and `a` has x.
void begin(World& world) {
  world.add("a");
  world.add("b");
  world.start();
  world.apply(
      {{"a/a.yaml", thing("own-a", "1")}, {"a/x.yaml", thing("x", "1")}, {"b/b.yaml", thing("own-b", "1")}});
}

bool owns(const World& world, const ApplicationUid& uid, const std::string& id) {
  return !world.store->inventory(uid, {ResourceId(id)}).empty();
}

/// x is of `uid` alone, has its mark, and was never away.
void check_moved(const World& world, const ApplicationUid& uid) {
  CHECK(eventually([&] { return world.place.owner("x") == uid.str(); }));
  CHECK(world.place.births_of("x") == 1);
  CHECK(eventually([&] {
    const auto entry = world.store->inventory(uid, {ResourceId("x")});
    return entry.size() == 1 && entry[0].from.empty() && !entry[0].intended_sync;
  }));
  CHECK_FALSE(owns(world, uid == kAlpha ? kBeta : kAlpha, "x"));
}

/// What failed last, also where another attempt has begun meanwhile.
std::string error_of(World& world, const std::string& application) {
  const auto status = world.status(application);
  return status.error + status.error_before;
}

}  // namespace

TEST_CASE("what moves to another application in one commit is handed over") {
  World world;
  begin(world);
  const auto event = world.ended(world.deliver(world.move({{"a/x.yaml", "b/x.yaml"}})));
  CHECK(event.state == EventState::succeeded);
  check_moved(world, kBeta);
  // And back, so that each of them decides first once.
  const auto back = world.ended(world.deliver(world.move({{"b/x.yaml", "a/x.yaml"}})));
  CHECK(back.state == EventState::succeeded);
  check_moved(world, kAlpha);
  CHECK(world.await("a", SyncStatus::synced).resources == 2);
  CHECK(world.await("b", SyncStatus::synced).resources == 1);
}

TEST_CASE("what changes while it moves is handed over and changed") {
  World world;
  begin(world);
  world.move({{"a/x.yaml", "b/x.yaml"}});
  CHECK(world.ended(world.push({{"b/x.yaml", thing("x", "2")}})).state == EventState::succeeded);
  check_moved(world, kBeta);
  CHECK(world.place.value("x") == "2");
}

TEST_CASE("the one to whom it goes waits for the one who has it, and its event does not fail") {
  World world;
  begin(world);
  world.config.applications[0].approve = true;
  world.reload();
  const auto event = world.deliver(world.move({{"a/x.yaml", "b/x.yaml"}}));
  const auto held = world.await("a", Phase::held);
  const auto refused = world.await("b", Phase::backing_off);
  CHECK((refused.waits_for + refused.error).find("x belongs to application a, which no longer declares it") !=
        std::string::npos);
  CHECK(world.place.owner("x") == "a");
  world.dispatcher->approve(kFirst, held.sync, "ada");
  CHECK(world.ended(event).state == EventState::succeeded);
  check_moved(world, kBeta);
}

TEST_CASE("a plan shows what is handed over, and no budget counts it") {
  World world;
  world.add("a");
  world.add("b");
  world.start();
  std::map<std::string, std::string> files, paths;
  for (const char* name : {"x", "u", "z", "v", "w"}) {
    files["a/" + std::string(name) + ".yaml"] = thing(name, "1");
    paths["a/" + std::string(name) + ".yaml"] = "b/" + std::string(name) + ".yaml";
  }
  files["b/b.yaml"] = thing("own-b", "1");
  files["a/a.yaml"] = thing("own-a", "1");
  world.apply(files);
  const auto commit = world.move(paths);
  const auto plan = world.dispatcher->plan(kFirst, std::nullopt);
  CHECK(plan.hold.empty());
  const auto released = std::count_if(plan.steps.begin(), plan.steps.end(), [](const auto& step) {
    return step.action == protocol::Action::release &&
           step.reason == "handed over to application b, which declares it";
  });
  CHECK(released == 5);
  CHECK(owns(world, kAlpha, "x"));
  CHECK(world.ended(world.deliver(commit)).state == EventState::succeeded);
  check_moved(world, kBeta);
}

TEST_CASE("nothing is deleted while it cannot be read who declares it") {
  World world;
  begin(world);
  world.move({{"a/x.yaml", "b/x.yaml"}});
  const auto event = world.ended(world.push({{"b/b.yaml", "kind: [\n"}, {"a/a.yaml", thing("own-a", "2")}}));
  CHECK(event.state == EventState::failed);
  CHECK(eventually([&] { return world.place.value("own-a") == "2"; }));
  CHECK(world.place.owner("x") == "a");
  CHECK(error_of(world, "a").find("x; application b cannot be read at") != std::string::npos);
  // What ails `b` is mended: both go on by themselves.
  world.ended(world.push({{"b/b.yaml", thing("own-b", "2")}}));
  check_moved(world, kBeta);
  CHECK(world.await("a", SyncStatus::synced).resources == 1);
  CHECK(world.await("b", SyncStatus::synced).resources == 2);
}

TEST_CASE("an application that was broken before keeps nobody from deleting") {
  World world;
  begin(world);
  world.ended(world.push({{"b/b.yaml", "kind: [\n"}}));
  world.ended(world.deliver(world.remove("a/x.yaml")));
  CHECK(world.place.value("x").empty());
  CHECK(world.status("a").error.empty());
}

TEST_CASE("what was handed over before a crash is taken up after it") {
  World world;
  begin(world);
  world.place.busy("x");
  world.deliver(world.move({{"a/x.yaml", "b/x.yaml"}}));
  REQUIRE(eventually([&] { return owns(world, kBeta, "x"); }));
  CHECK(world.place.owner("x") == "a");
  world.restart();
  CHECK(owns(world, kBeta, "x"));
  world.place.busy("x", false);
  check_moved(world, kBeta);
}

TEST_CASE("what was handed on before it was known whether its mark was written is taken up") {
  const ApplicationUid last("c");
  for (const std::string mark : {"a", "b"}) {
    CAPTURE(mark);
    World world;
    for (const char* name : {"a", "b", "c"}) world.add(name);
    world.start();
    world.apply({{"a/a.yaml", thing("own-a", "1")},
                 {"a/x.yaml", thing("x", "1")},
                 {"b/b.yaml", thing("own-b", "1")},
                 {"c/c.yaml", thing("own-c", "1")}});
    const auto commit = world.move({{"a/x.yaml", "c/x.yaml"}});
    const auto sync = world.store->application(kBeta)->last_sync;
    const auto give = [&](const ApplicationUid& from, const ApplicationUid& to) {
      const std::vector<store::Store::Handed> handed{{ResourceId("x"), to, commit, {}}};
      world.store->hand_over(from, sync, handed);
    };
    give(kAlpha, kBeta);
    // As a crash leaves it in the midst of a write.
    auto entry = world.store->inventory(kBeta, {ResourceId("x")}).at(0);
    entry.intended_digest = entry.owned_digest;
    world.store->intend(kBeta, sync, std::vector{entry});
    world.place.mark("x", mark);
    give(kBeta, last);
    CHECK(world.ended(world.deliver(commit)).state == EventState::succeeded);
    CHECK(eventually([&] { return world.place.owner("x") == "c"; }));
    CHECK(world.place.births_of("x") == 1);
  }
}

TEST_CASE("what was handed over is taken up where no sync takes it") {
  World world;
  begin(world);
  world.place.refuse("z");
  world.move({{"a/x.yaml", "b/x.yaml"}});
  const auto event = world.ended(
      world.push({{"b/x.yaml", thing("x", "1", "wave: 1")}, {"b/z.yaml", thing("z", "1", "wave: 0")}}));
  CHECK(event.state == EventState::failed);
  check_moved(world, kBeta);
}

TEST_CASE("who was refused what another one has goes on when it is let go of") {
  World world;
  begin(world);
  CHECK(world.ended(world.push({{"b/x.yaml", thing("x", "2")}})).state == EventState::failed);
  CHECK(error_of(world, "b").find("x belongs to application a") != std::string::npos);
  world.ended(world.deliver(world.remove("a/x.yaml")));
  check_moved(world, kBeta);
  CHECK(eventually([&] { return world.place.value("x") == "2"; }));
  CHECK(world.await("b", SyncStatus::synced).resources == 2);
}

TEST_CASE("what an orphan has is handed over to the one who declares it now") {
  World world;
  begin(world);
  world.config.applications.erase(world.config.applications.begin());
  world.reload();
  CHECK(world.ended(world.push({{"b/x.yaml", thing("x", "1")}})).state == EventState::failed);
  world.ended(world.dispatcher->delete_cascade(kFirst, "ada"));
  check_moved(world, kBeta);
  CHECK(world.place.value("own-a").empty());
}

TEST_CASE("a sync of an older commit leaves alone what was handed over for a newer one") {
  World world;
  begin(world);
  world.remove("a/x.yaml");
  const auto older = world.commit({{"b/b.yaml", thing("own-b", "2")}});
  const auto newer = world.commit({{"b/b.yaml", thing("own-b", "3")}});
  const std::vector<store::Store::Handed> handed{{ResourceId("x"), kBeta, newer, {}}};
  world.store->hand_over(kAlpha, world.store->application(kAlpha)->last_sync, handed);
  CHECK(world.ended(world.deliver(older)).state == EventState::succeeded);
  CHECK(world.place.value("x") == "1");
  CHECK(owns(world, kBeta, "x"));
  // From the newer on it is a thing like every other.
  CHECK(world.ended(world.deliver(newer)).state == EventState::succeeded);
  CHECK(world.place.value("x").empty());
}

}  // namespace gitopsd::sync::test
