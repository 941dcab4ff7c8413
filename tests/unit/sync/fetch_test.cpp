// What people see of a fetch that they wait for.
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
  const int token = world.dispatcher->subscribe([&](const ProgressLine& line) {
    if (line.text.find("cloning") == std::string::npos) return;
    const auto status = world.status("web");
    std::lock_guard lock(mutex);
    lines.push_back(line.stage + " " + line.text);
    shown.push_back(std::string(to_string(status.phase)) + " " + status.waits_for);
  });
  world.ended(world.deliver(commit));
  world.dispatcher->unsubscribe(token);
  std::lock_guard lock(mutex);
  REQUIRE_FALSE(lines.empty());
  CHECK(lines[0].find("fetching refs/heads/main: cloning: ") == 0);
  CHECK(lines[0].find(" of 4 objects") != std::string::npos);
  CHECK(shown[0].find("fetching cloning: ") == 0);
  CHECK(world.await("web", SyncStatus::synced).waits_for.empty());

  // What is there already comes too fast to speak of.
  lines.clear();
  const int again = world.dispatcher->subscribe([&](const ProgressLine& line) {
    if (line.text.find(" objects") != std::string::npos) lines.push_back(line.text);
  });
  world.apply({{"web/a.yaml", thing("a", "2")}});
  world.dispatcher->unsubscribe(again);
  CHECK(lines.empty());
}

}  // namespace gitopsd::sync::test
