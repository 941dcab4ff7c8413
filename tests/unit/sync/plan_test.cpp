// What a plan shows before anybody acts on it.
#include "tests/unit/sync/world.h"

namespace gitopsd::sync::test {
namespace {

const ApplicationName kPlanned("web");

}  // namespace

TEST_CASE("a plan says that what it shows was rejected, rolled back, or would wait") {
  World world;
  world.apply_then_ask({{"web/a.yaml", thing("a", "1")}});
  const auto event = world.push({{"web/a.yaml", thing("a", "2")}});
  const auto held = world.await("web", Phase::held);
  const auto shown = world.dispatcher->plan(kPlanned, std::nullopt);
  CHECK(shown.held == held.sync);
  CHECK(shown.released_by == held.released_by);
  CHECK(shown.kept_off.empty());
  world.dispatcher->reject(kPlanned, std::nullopt, "ada");
  world.ended(event);
  const auto rejected = world.dispatcher->plan(kPlanned, std::nullopt);
  CHECK(rejected.kept_off.find("was rejected by ada") != std::string::npos);
  CHECK(rejected.released_by == "gitopsctl sync web");
  CHECK(rejected.hold.find("approve: true") != std::string::npos);

  world.config.applications[0].approve = false;
  world.reload();
  const auto third = world.apply({{"web/a.yaml", thing("a", "3")}});
  CHECK(world.dispatcher->plan(kPlanned, std::nullopt).kept_off.empty());
  world.ended(world.dispatcher->rollback(kPlanned, std::nullopt, "ada"));
  for (const auto& revision : {std::optional<CommitId>(), std::optional<CommitId>(third)}) {
    const auto back = world.dispatcher->plan(kPlanned, revision);
    CHECK(back.kept_off.find("rolled back") != std::string::npos);
    CHECK(back.released_by == "gitopsctl resume web");
    CHECK(back.hold.empty());
  }
  world.config.applications[0].suspended = true;
  world.reload();
  CHECK(world.dispatcher->plan(kPlanned, std::nullopt).kept_off == "the application is suspended");
}

TEST_CASE("a commit is found by the first digits of its id, fetched where it is new") {
  World world;
  world.add("web");
  world.start();
  const auto first = world.apply({{"web/a.yaml", thing("a", "1")}});
  CHECK(world.dispatcher->commit_named(kPlanned, first.str().substr(0, 7), true) == first);
  const auto fresh = world.commit({{"web/a.yaml", thing("a", "2")}});
  CHECK(world.dispatcher->commit_named(kPlanned, fresh.str().substr(0, 12), false) == fresh);
  CHECK(std::string(source::test::failure_of([&] {
                      world.dispatcher->commit_named(kPlanned, "0000000", false);
                    }).what())
            .find("begins with 0000000") != std::string::npos);
}

TEST_CASE("what depends on what an earlier wave makes is planned anew when that is done") {
  World world;
  world.add("web");
  world.start();
  const auto event = world.push({{"web/a.yaml", thing("a", "1")},
                                 {"web/b.yaml", thing("b", "1", "wave: 1\n  awaits: a")},
                                 {"web/c.yaml", thing("c", "1", "wave: 2\n  awaits: b")}});
  CHECK(world.ended(event).state == store::EventState::succeeded);
  CHECK(world.place.order() == std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("what nothing comes to make is not waited for without end") {
  World world;
  world.add("web");
  world.start();
  const auto ended = world.ended(world.push(
      {{"web/a.yaml", thing("a", "1")}, {"web/b.yaml", thing("b", "1", "wave: 1\n  awaits: nobody")}}));
  CHECK(ended.state == store::EventState::failed);
  CHECK(ended.error.find("does not say what b changes, though all before it is done") != std::string::npos);
}

TEST_CASE("what a plan left is thrown away where nothing comes of it") {
  World world;
  world.apply_then_ask({{"web/a.yaml", thing("a", "1")}});
  world.place.leave_plans();
  const auto event = world.push({{"web/a.yaml", thing("a", "2")}});
  world.await("web", Phase::held);
  CHECK(world.place.left_plans().size() == 1);
  world.dispatcher->reject(kPlanned, std::nullopt, "ada");
  world.ended(event);
  CHECK(eventually([&] { return world.place.left_plans().empty(); }));
  world.dispatcher->plan(kPlanned, std::nullopt);
  CHECK(world.place.left_plans().empty());
}

TEST_CASE("what a plan left is thrown away where the sync fails, while it is planned or after it has begun") {
  World world;
  world.add("web");
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1")}});
  world.place.leave_plans();
  world.place.refuse_plan("b");
  CHECK(world.ended(world.push({{"web/b.yaml", thing("b", "1")}})).state == store::EventState::failed);
  CHECK(world.place.left_plans().empty());
  world.place.refuse("c");
  const auto event = world.push({{"web/b.yaml", thing("c", "1")}});
  CHECK(world.ended(event).state == store::EventState::failed);
  CHECK(world.place.left_plans().empty());
}

TEST_CASE("a plan is to be answered some time before its provider is taken to hang") {
  World world;
  world.add("web");
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1")}});
  CHECK(world.place.longest_plan() > std::chrono::seconds(60));
  CHECK(world.place.least_patience() > std::chrono::seconds(10));
}

TEST_CASE("a wave goes over all parts of a plan that is asked in several") {
  World world;
  world.add("web");
  world.start();
  std::string all;
  for (int i = 0; i < 1100; ++i)
    all += "---\n" + thing("t" + std::to_string(i), "1", i % 2 == 0 ? "wave: 1" : "wave: -1");
  world.apply({{"web/all.yaml", all}});
  const auto order = world.place.order();
  REQUIRE(order.size() == 1100);
  for (int i = 0; i < 550; ++i) {
    CHECK(order[i] == "t" + std::to_string(2 * i + 1));
    CHECK(order[550 + i] == "t" + std::to_string(2 * i));
  }
}

}  // namespace gitopsd::sync::test
