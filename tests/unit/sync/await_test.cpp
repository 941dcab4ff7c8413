// Drift that cannot be put back yet, since what it is in goes or is not there; and what others keep changing.
#include "tests/unit/sync/world.h"

namespace gitopsd::sync::test {
namespace {

using Names = std::vector<std::string>;

std::int64_t heals(const World& world) {
  return world.store->heals(ApplicationUid("web")).count;
}

/// With these things applied.
void start_with(World& world, const Names& names) {
  world.add("web");
  world.start();
  std::map<std::string, std::string> files;
  for (const auto& name : names) files["web/" + name + ".yaml"] = thing(name, "1");
  world.apply(files);
  world.await("web", SyncStatus::synced);
}

bool all_are(const World& world, const Names& names, const std::string& value) {
  return std::all_of(names.begin(), names.end(),
                     [&](const auto& name) { return world.place.value(name) == value; });
}

}  // namespace

TEST_CASE(
    "what somebody takes away with all that is in it waits, and comes back in one go that counts once") {
  const Names all{"a", "b", "c"};
  World world;
  start_with(world, all);
  for (int time = 1; time <= 2; ++time) {
    for (const auto& name : all) world.place.wait_for(name, "a");
    for (const auto& name : all) world.place.change(name, "theirs");
    CHECK(eventually([&] { return world.status("web").waits_for == "a to be gone (3 resources)"; }));
    CHECK(world.status("web").status == SyncStatus::out_of_sync);
    CHECK(all_are(world, all, "theirs"));
    world.place.wait_for("a", {});
    world.place.change("a", "gone");  // nobody tells of the others
    CHECK(eventually([&] { return all_are(world, all, "1"); }));
    CHECK(eventually([&] { return heals(world) >= time; }));
    world.place.end_waits();
    world.await("web", SyncStatus::synced);
  }
  world.place.change("b", "theirs");
  CHECK(eventually([&] { return world.place.value("b") == "1"; }));
  CHECK(world.status("web").contested.count == 0);
}

TEST_CASE("what waits for something of nobody's is looked at by itself, and comes back in one go") {
  const Names all{"a", "b", "c"};
  World world;
  start_with(world, all);
  for (const auto& name : all) world.place.wait_for(name, "x");
  for (const auto& name : all) world.place.change(name, "theirs");
  CHECK(eventually([&] { return world.status("web").waits_for == "x to be gone (3 resources)"; }));
  world.place.end_waits();
  CHECK(eventually([&] { return all_are(world, all, "1"); }));
  CHECK(eventually([&] { return heals(world) == 1; }));
  CHECK(world.await("web", SyncStatus::synced).waits_for.empty());
}

TEST_CASE("what waits for something that is not put back waits with it") {
  World world;
  world.add("web");
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1", "drift: report")}, {"web/b.yaml", thing("b", "1")}});
  world.place.change("a", "theirs");
  world.place.wait_for("b", "a");
  world.place.change("b", "theirs");
  CHECK(eventually([&] { return world.status("web").waits_for == "a to be gone (1 resource)"; }));
  CHECK(world.status("web").status == SyncStatus::out_of_sync);
  CHECK(heals(world) == 0);
}

TEST_CASE(
    "what others keep changing is named, with who, how often and until when, and resume ends the pause") {
  World world;
  start_with(world, {"a"});
  world.place.wait_for("a", {}, "kubectl-edit");
  for (int time = 0; time < 4; ++time) {
    CHECK(eventually([&] { return world.place.value("a") == "1"; }));
    world.place.change("a", "theirs");
  }
  const auto contested = world.await("web", SyncStatus::contested);
  REQUIRE(contested.contested.first.size() == 1);
  CHECK(contested.contested.count == 1);
  const auto& one = contested.contested.first.front();
  CHECK(one.id == ResourceId("a"));
  CHECK(one.by == "kubectl-edit");
  CHECK(one.at == "2026-01-01T00:00:00Z");
  CHECK(one.heals >= 3);
  CHECK(contested.waits_for ==
        "somebody or something other than gitopsd (kubectl-edit, at 2026-01-01T00:00:00Z) keeps changing a "
        "at here");
  CHECK(contested.released_by.find("gitopsctl resume web") != std::string::npos);
  world.place.end_waits();
  world.dispatcher->resume(ApplicationName("web"), "ada");
  CHECK(eventually([&] { return world.place.value("a") == "1"; }));
  CHECK(world.await("web", SyncStatus::synced).contested.count == 0);
  CHECK_THROWS_WITH_AS(world.dispatcher->resume(ApplicationName("web"), "ada"),
                       doctest::Contains("does not pause"), Failure);
}

}  // namespace gitopsd::sync::test
