// A commit that is applied in part: what is said of it, also after a restart and other settings.
#include "base/json.h"
#include "daemon/sync/stored_plan.h"
#include "tests/unit/sync/world.h"

namespace gitopsd::sync::test {
namespace {

using store::EventState;

const std::string kUnreadable = "apiVersion: test/v1\nkind: [Thing\n";

constexpr const char* kSide = "refs/heads/side";

bool has_text(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

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
  /// Waits for what came of the look at the start.
  void look_after_start() { apply({{"side/marker.yaml", thing("marker", std::to_string(++marker))}}, kSide); }
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

TEST_CASE("status tells a commit that is applied in part, with what it left out, also after a restart") {
  Skipping world;
  const auto whole = world.apply({{"web/a.yaml", thing("a", "1")}});
  const auto event =
      world.refused({{"web/a.yaml", thing("a", "2")},
                     {"web/b.yaml", kUnreadable},
                     {"web/c.yaml", thing("c", "1", "of: nothing") + "---\n" + thing("d", "1")},
                     {"web/e.yaml", thing("e", "1", "requires: c")}});
  const auto check = [&](const ApplicationStatus& s) {
    REQUIRE(s.in_part);
    CHECK(s.in_part->revision == event.after);
    CHECK(s.in_part->left_out == 2);
    CHECK(s.revision == whole);
    CHECK(s.status == SyncStatus::out_of_sync);
    CHECK(has_text(s.error, "web/b.yaml:"));
    CHECK(has_text(s.waits_for, "2 documents of " + event.after.short_str() + " are left out"));
  };
  check(world.await("web", SyncStatus::out_of_sync));
  world.restart();
  world.look_after_start();
  check(world.await("web", SyncStatus::out_of_sync));
  world.apply({{"web/b.yaml", thing("b", "1")}, {"web/c.yaml", thing("c", "1")}});
  CHECK_FALSE(world.status("web").in_part);
}

TEST_CASE("a commit that is applied in part is not tried again at each start") {
  Skipping world;
  world.apply({{"web/a.yaml", thing("a", "1")}});
  world.refused({{"web/a.yaml", thing("a", "2")}, {"web/b.yaml", kUnreadable}});
  const int before = world.events_of(store::Cause::context);
  for (int i = 0; i < 2; ++i) {
    world.restart();
    world.look_after_start();
    CHECK(world.events_of(store::Cause::context) == before);
  }
  // Another input it is with what the destination offers now.
  world.place.offer("more");
  CHECK(eventually([&] { return world.events_of(store::Cause::context) == before + 1; }));
}

TEST_CASE("what is left out for what may pass is tried again after a restart, without an event") {
  Skipping world;
  world.apply({{"web/a.yaml", thing("a", "1")}});
  const std::string ref = "refs/heads/other";  // no push to main is news to it
  world.add("other", ref).invalid = config::InvalidPolicy::skip;
  world.reload();
  const auto event =
      world.ended(world.push({{"other/a.yaml", thing("a", "2")}, {"other/b.yaml", thing("b", "1")}}, ref));
  CHECK(event.state == EventState::failed);
  CHECK(world.place.owner("b") == "other");
  world.restart();
  const int before = world.events_of(store::Cause::context);
  world.remove("web/a.yaml");
  world.ended(world.push({{"web/b.yaml", thing("c", "1")}}));
  CHECK(eventually([&] { return world.place.owner("a") == "other" && world.place.value("a") == "2"; }));
  CHECK(world.await("other", SyncStatus::synced).error.empty());
  CHECK(world.events_of(store::Cause::context) == before);
}

TEST_CASE("a rejected commit stays rejected under the settings under which it was") {
  Skipping world;
  world.config.applications[0].approve = true;
  world.reload();
  const auto event = world.push({{"web/a.yaml", thing("a", "1")}, {"web/b.yaml", kUnreadable}});
  const auto held = world.await("web", Phase::held);
  world.dispatcher->reject(ApplicationName("web"), held.sync, "ada");
  CHECK(world.ended(event).state == EventState::cancelled);
  world.config.applications[0].invalid = config::InvalidPolicy::refuse;
  world.reload();
  REQUIRE(eventually([&] { return has_text(world.status("web").error, "web/b.yaml:"); }));
  const int before = world.events_of(store::Cause::context);
  world.config.applications[0].invalid = config::InvalidPolicy::skip;
  SUBCASE("without a restart") {
    world.reload();
  }
  SUBCASE("over a restart") {
    world.restart();
  }
  world.look_after_start();
  const auto now = world.status("web");
  CHECK(now.phase == Phase::idle);
  CHECK(has_text(now.waits_for, "rejected by ada"));
  CHECK(world.events_of(store::Cause::context) == before);
  // Whoever asks for it again gets it.
  world.dispatcher->sync_now(ApplicationName("web"), "bob");
  CHECK(world.await("web", Phase::held).sync != held.sync);
}

TEST_CASE("a start remembers what was rejected and what is applied in part, whatever came and went since") {
  Skipping world;
  world.apply({{"web/a.yaml", thing("a", "1")}});
  const auto part = world.refused({{"web/a.yaml", thing("a", "2")}, {"web/b.yaml", kUnreadable}}).after;
  world.config.applications[0].approve = true;
  world.reload();
  world.push({{"web/a.yaml", thing("a", "3")}});
  const auto rejected = world.await("web", Phase::held).sync;
  world.dispatcher->reject(ApplicationName("web"), rejected, "ada");
  world.config.applications[0].invalid = config::InvalidPolicy::refuse;
  world.reload();
  REQUIRE(eventually([&] { return has_text(world.status("web").error, "web/b.yaml:"); }));
  world.dispatcher->stop(Monotonic::now() + std::chrono::seconds(5));
  SUBCASE("many heals") {
    store::Sync heal;
    heal.application = ApplicationUid("web");
    heal.kind = "heal";
    for (int i = 0; i < 60; ++i)
      world.store->set_sync(world.store->begin_sync(heal),
                            {store::SyncState::succeeded, {}, {}, {}, {}, 0, 1, 0, 0});
  }
  SUBCASE("retention") {
    while (world.store->retain(system_clock().wall() + 1'000'000)) continue;
  }
  world.config.applications[0].invalid = config::InvalidPolicy::skip;
  world.restart();
  world.look_after_start();
  const auto now = world.status("web");
  CHECK(now.phase == Phase::idle);
  CHECK(has_text(now.waits_for, "rejected by ada"));
  REQUIRE(now.in_part);
  CHECK(now.in_part->revision == part);
}

TEST_CASE("what an error tells in short is kept in full") {
  Skipping world;
  std::map<std::string, std::string> files{{"web/a.yaml", thing("a", "1")}};
  for (int i = 10; i < 35; ++i) files["web/b" + std::to_string(i) + ".yaml"] = kUnreadable;
  std::size_t others = 0;
  SUBCASE("where the rest is applied") {
    others = 1;
  }
  SUBCASE("where nothing is") {
    world.config.applications[0].invalid = config::InvalidPolicy::refuse;
    world.reload();
  }
  const auto event = world.refused(files);
  CHECK(has_text(event.error, "and 22 more"));
  CHECK(has_text(event.error, "gitopsctl show " + std::to_string(event.id.value)));
  const auto problems = decode_plan(world.store->syncs_of(event.id).back().plan).problems;
  REQUIRE(problems.size() == 25 + others);
  for (int i = 10; i < 35; ++i)
    CHECK(has_text(problems[static_cast<std::size_t>(i - 10) + others],
                   "web/b" + std::to_string(i) + ".yaml:"));
}

TEST_CASE("what an error tells in full is kept nowhere else") {
  Skipping world;
  const auto event = world.refused({{"web/b.yaml", kUnreadable}});
  CHECK_FALSE(has_text(event.error, "gitopsctl show"));
  CHECK(decode_plan(world.store->syncs_of(event.id).back().plan).problems.empty());
}

TEST_CASE("a plan names all that it is without") {
  Skipping world;
  std::map<std::string, std::string> files{{"web/a.yaml", thing("a", "1")}};
  for (int i = 10; i < 35; ++i) files["web/b" + std::to_string(i) + ".yaml"] = kUnreadable;
  world.refused(files);
  CHECK(world.dispatcher->plan(ApplicationName("web"), std::nullopt).left_out.size() == 25);
}

}  // namespace gitopsd::sync::test
