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

}  // namespace gitopsd::sync::test
