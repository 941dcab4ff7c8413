// A commit that is applied in part: what is said of it, also after a restart and other settings.
#include "base/json.h"
#include "tests/unit/sync/world.h"

namespace gitopsd::sync::test {
namespace {

using store::EventState;

const std::string kUnreadable = "apiVersion: test/v1\nkind: [Thing\n";

constexpr const char* kSide = "refs/heads/side";

struct Skipping : World {
  Skipping() {
    add("web").invalid = config::InvalidPolicy::skip;
    add("side", kSide);
    start();
  }
  store::Event refused(const std::map<std::string, std::string>& files) {
    const auto event = ended(push(files));
    REQUIRE(event.state == EventState::failed);
    return event;
  }
  /// Waits until the repository was looked at since the start, and for what came of that.
  void look_after_start() {
    REQUIRE(eventually([&] { return dispatcher->repositories().at(0).last_look > 0; }));
    apply({{"side/marker.yaml", thing("marker", std::to_string(++marker))}}, kSide);
  }
  /// What came since, but for pushes.
  int events_of(store::Cause cause) const {
    int count = 0;
    for (const auto& event : store->events({.limit = 1000})) count += event.cause == cause ? 1 : 0;
    return count;
  }
  /// The commits that the audit names for what was put back, the newest last.
  std::vector<std::string> put_back(const std::string& id) const {
    std::vector<std::string> commits;
    for (const auto& entry : store->audit_log(1, 1000)) {
      const Value json = parse_json(entry.entry);
      if (json.get_string("kind") == "heal" && json.get_string("resource") == id)
        commits.push_back(json.get_string("commit"));
    }
    return commits;
  }
  /// As it is found at a start, all at once.
  void drift(const std::set<std::string>& ids) {
    for (const auto& id : ids) place.change_unseen(id, "by hand");
    restart();
    REQUIRE(eventually([&] {
      return std::none_of(ids.begin(), ids.end(),
                          [&](const auto& id) { return place.value(id) == "by hand"; });
    }));
  }
  int marker = 0;
};

}  // namespace

TEST_CASE("what is put back after a commit that was applied in part names the commit whose bytes it is") {
  Skipping world;
  const auto whole = world.apply({{"web/a.yaml", thing("a", "1")}, {"web/e.yaml", thing("e", "1")}}).str();
  const auto part = world.refused({{"web/a.yaml", thing("a", "2")}, {"web/b.yaml", kUnreadable}}).after.str();
  world.drift({"a"});
  CHECK(world.place.value("a") == "2");
  REQUIRE(eventually([&] { return world.put_back("a").size() == 1; }));
  CHECK(world.put_back("a").back() == part);
  // Of several, each.
  world.drift({"a", "e"});
  REQUIRE(eventually([&] { return world.put_back("a").size() == 2 && world.put_back("e").size() == 1; }));
  CHECK(world.put_back("a").back() == part);
  CHECK(world.put_back("e").back() == whole);
  for (const auto& sync : world.store->syncs(ApplicationUid("web"), 10))
    if (sync.kind == "heal" && sync.updated == 1) CHECK(sync.revision.str() == part);
}

}  // namespace gitopsd::sync::test
