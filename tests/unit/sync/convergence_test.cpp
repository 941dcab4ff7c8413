// Promise 13: a plan that comes back unchanged after its own success three times is said so, once.
#include "daemon/sync/convergence.h"

#include "tests/unit/sync/world.h"

namespace gitopsd::sync::test {
namespace {

const ResourceId kA("a"), kB("b");

Repetition again(const std::string& change, bool unlike = false) {
  Repetition r{{kA, kB}, {{kA, change}}, {}};
  if (unlike) r.unlike.insert(kA);
  return r;
}

int said(Convergence& c, const Repetition& r, int times) {
  int count = 0;
  for (int i = 0; i < times; ++i) count += static_cast<int>(c.succeeded(r).size());
  return count;
}

}  // namespace

TEST_CASE("promise 13: the third return of the same plan is said, and only that") {
  Convergence c;
  CHECK(said(c, again("x"), 3) == 0);
  CHECK(c.stuck().empty());
  CHECK(said(c, again("x"), 1) == 1);
  CHECK(c.stuck().at(0).id == kA);
  CHECK(said(c, again("x"), 5) == 0);
  CHECK(c.stuck().at(0).id == kA);
  CHECK(said(c, again("y"), 1) == 0);  // another change is another matter
  CHECK(c.stuck().empty());
  CHECK(said(c, again("y"), 3) == 1);
  c.succeeded({{kA}, {}, {}});  // nothing had to be done
  CHECK(c.stuck().empty());
}

TEST_CASE("what somebody else keeps changing converges all the same") {
  Convergence c;
  for (int i = 0; i < 8; ++i) {
    CHECK(c.succeeded(again("x")).empty());
    c.looked({kA}, nullptr);
  }
  CHECK(c.stuck().empty());
}

TEST_CASE("what differs right after its own success does not, until it is seen as it should be") {
  Convergence c;
  int count = 0;
  for (int i = 0; i < 4; ++i) {
    count += static_cast<int>(c.succeeded(again("x", true)).size());
    c.looked({kA}, nullptr);
  }
  CHECK(count == 1);
  const std::vector<ResourceId> others{kB};
  c.looked({}, &others);
  CHECK(c.stuck().at(0).id == kA);
  c.looked({}, nullptr);
  CHECK(c.stuck().empty());
}

TEST_CASE("promise 13: an application whose provider is never content is NotConverging") {
  World world;
  world.add("web");
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1")}, {"web/b.yaml", thing("b", "1")}});
  world.place.never_content("a");
  const auto sync = [&] { world.ended(world.dispatcher->sync_now(ApplicationName("web"), "ada")); };
  for (int i = 0; i < 3; ++i) sync();
  world.await("web", SyncStatus::synced);
  sync();
  const auto s = world.await("web", SyncStatus::not_converging);
  CHECK(s.waits_for == "the same change of a comes back each time after it succeeded");
  CHECK(s.released_by.find("gitopsctl plan web") != std::string::npos);
  // Another document is a new beginning.
  world.apply({{"web/a.yaml", thing("a", "2")}});
  world.await("web", SyncStatus::synced);
}

TEST_CASE("promise 13: a heal that never helps is NotConverging") {
  World world;
  world.add("web");
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1")}});
  world.place.never_content("a");
  world.place.always_drifted("a");
  world.await("web", SyncStatus::not_converging);
  world.place.always_drifted("a", false);
  world.await("web", SyncStatus::contested);  // four heals within a minute were that as well
}

}  // namespace gitopsd::sync::test
