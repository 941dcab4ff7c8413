// What people see of a fetch that they wait for.
#include <mutex>
#include <utility>

#include "tests/unit/sync/world.h"

namespace gitopsd::sync::test {

TEST_CASE("a first clone says how far it is") {
  World world;
  world.add("web");
  const auto commit = world.commit({{"web/a.yaml", thing("a", "1")}});
  world.store->set_tip(RepositoryName("site"), source::test::main_ref(), commit);  // the poll has no news
  world.start();
  std::mutex mutex;
  std::vector<std::string> lines, shown;
  const auto watch = [&](const ProgressLine& line) {
    if (line.text.find(" objects") == std::string::npos) return;
    const auto status = world.status("web");
    const std::lock_guard lock(mutex);
    lines.push_back(line.stage + " " + line.text);
    shown.push_back(std::string(to_string(status.phase)) + " " + status.waits_for);
  };
  const auto seen = [&] {
    const std::lock_guard lock(mutex);
    return std::pair{std::exchange(lines, {}), std::exchange(shown, {})};
  };
  const int token = world.dispatcher->subscribe(watch);
  world.ended(world.deliver(commit));
  const auto [told, statuses] = seen();
  REQUIRE_FALSE(told.empty());
  CHECK(told[0].find("fetching refs/heads/main: cloning: ") == 0);
  CHECK(told[0].find(" of 4 objects") != std::string::npos);
  CHECK(statuses[0].find("fetching cloning: ") == 0);
  CHECK(world.await("web", SyncStatus::synced).waits_for.empty());

  world.apply({{"web/a.yaml", thing("a", "2")}});
  for (const auto& line : seen().first) CHECK(line.find("cloning") == std::string::npos);
  world.dispatcher->unsubscribe(token);
}

TEST_CASE("an event that is told late does not end the sync of a newer commit") {
  World world;
  world.add("web");
  world.start();
  world.apply({{"web/a.yaml", thing("a", "0")}});
  world.place.shut();
  const auto older = world.commit({{"web/a.yaml", thing("a", "1")}});
  const auto newer = world.push({{"web/a.yaml", thing("a", "2")}});
  world.place.await_waiting(1);
  const auto late = world.ended(world.deliver(older));
  CHECK(late.state == store::EventState::superseded);
  CHECK(late.reason == older.short_str() + " is behind what web has");
  world.place.open();
  CHECK(world.ended(newer).state == store::EventState::succeeded);
  CHECK(world.place.value("a") == "2");
}

TEST_CASE("a commit that the forge told of before it gives it out is waited for") {
  World world;
  world.add("web");
  world.missing_delay = std::chrono::milliseconds(100);
  world.start();
  const source::test::Origin ahead(world.folder / "ahead.git");
  const auto both = [&](const std::string& value) {
    return ahead.commit({{"web/a.yaml", thing("a", value)}}) ==
           world.commit({{"web/a.yaml", thing("a", value)}});
  };
  REQUIRE(both("1"));
  world.ended(world.deliver(world.origin.tip()));
  const auto commit = ahead.commit({{"web/a.yaml", thing("a", "2")}});
  const auto event = world.deliver(commit);
  REQUIRE(eventually([&] { return world.store->event(event)->attempts > 0; }));
  CHECK(world.commit({{"web/a.yaml", thing("a", "2")}}) == commit);
  CHECK(world.ended(event).state == store::EventState::succeeded);
  CHECK(world.place.value("a") == "2");
}

TEST_CASE("a commit that is there before its ref leads to it is waited for, until the ref has moved away") {
  World world;
  world.add("web");
  world.missing_delay = std::chrono::milliseconds(100);
  world.start();
  const auto first = world.apply({{"web/a.yaml", thing("a", "1")}});
  const auto ahead = world.commit({{"web/a.yaml", thing("a", "2")}});
  world.origin.set("refs/heads/aside", ahead);
  world.origin.set("refs/heads/main", first);
  const auto event = world.deliver(ahead);
  REQUIRE(eventually([&] { return world.store->event(event)->attempts > 0; }));
  world.origin.set("refs/heads/main", ahead);
  CHECK(world.ended(event).state == store::EventState::succeeded);
  CHECK(world.place.value("a") == "2");

  const auto away = world.commit({{"web/a.yaml", thing("a", "3")}});
  world.origin.set("refs/heads/main", ahead);
  CHECK(world.ended(world.deliver(away)).state == store::EventState::superseded);
  CHECK(world.place.value("a") == "2");
}

TEST_CASE("a commit that never comes fails its event, and an older one beside it is applied meanwhile") {
  World world;
  world.add("web");
  world.missing_delay = std::chrono::milliseconds(1);
  world.start();
  const auto here = world.commit({{"web/a.yaml", thing("a", "1")}});
  const auto older = world.deliver(here);
  const auto event = world.ended(world.deliver(source::test::id(std::string(40, 'a'))));
  CHECK(event.state == store::EventState::failed);
  CHECK(event.attempts == 5);
  CHECK(event.error.find("has no commit " + std::string(40, 'a')) != std::string::npos);
  CHECK(world.ended(older).state == store::EventState::succeeded);
  CHECK(world.place.value("a") == "1");
}

}  // namespace gitopsd::sync::test
