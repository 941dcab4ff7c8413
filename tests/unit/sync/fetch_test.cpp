// What people see of a fetch that they wait for.
#include <filesystem>
#include <mutex>
#include <utility>

#include "tests/unit/slower.h"
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
  world.missing_delay = std::chrono::milliseconds(300) * gitopsd::test::kSlower;
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
  world.missing_delay = std::chrono::milliseconds(200);
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

TEST_CASE("what a poll found and cannot be fetched is one event, however often it is found") {
  World world;
  world.add("web");
  world.config.repositories[0].poll = std::chrono::milliseconds(10);
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1")}});
  // One of its objects is missing: the ref is told, its commit cannot be given out.
  const std::map<std::string, std::string> files{{"web/a.yaml", thing("a", "2")}};
  const auto commit = world.commit(files, "refs/heads/aside");
  auto blob = world.origin.git({"rev-parse", "refs/heads/aside:web/a.yaml"});
  blob.resize(40);
  const std::filesystem::path object =
      world.folder / ("origin.git/objects/" + blob.substr(0, 2) + "/" + blob.substr(2));
  REQUIRE(std::filesystem::exists(object));
  std::filesystem::rename(object, world.folder / "object");
  world.origin.set("refs/heads/main", commit);
  const auto polled = [&] {
    std::vector<store::Event> found;
    for (const auto& event : world.store->events({.limit = 1000}))
      if (event.after == commit) found.push_back(event);
    return found;
  };
  REQUIRE(eventually([&] { return !polled().empty() && polled()[0].attempts > 1; }));
  for (int i = 0; i < 5; ++i) {
    const auto before = world.dispatcher->repositories().at(0).last_look;
    REQUIRE(eventually([&] { return world.dispatcher->repositories().at(0).last_look > before; }));
  }
  REQUIRE(polled().size() == 1);
  CHECK(polled()[0].cause == store::Cause::poll);
  std::filesystem::rename(world.folder / "object", object);
  CHECK(world.ended(polled()[0].id).state == store::EventState::succeeded);
  CHECK(world.place.value("a") == "2");
}

TEST_CASE("a destination whose provider cannot be started keeps no poll from what others follow") {
  Place other;
  World world;
  world.elsewhere = &other;
  config::Destination there = world.config.destinations[0];
  there.name = DestinationName("there");
  world.config.destinations.push_back(there);
  world.config.repositories[0].poll = std::chrono::milliseconds(10);
  world.add("edge", "refs/heads/edge").destination = DestinationName("there");
  world.add("web");
  world.start();
  world.apply({{"edge/a.yaml", thing("a", "1")}}, "refs/heads/edge");
  world.apply({{"web/b.yaml", thing("b", "1")}});
  other.stop();
  world.commit({{"web/b.yaml", thing("b", "2")}});
  CHECK(eventually([&] { return world.place.value("b") == "2"; }));
  CHECK(world.dispatcher->repositories().at(0).error.empty());
  other.stop(false);
}

}  // namespace gitopsd::sync::test
