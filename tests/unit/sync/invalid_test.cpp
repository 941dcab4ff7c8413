// `invalid: skip`: what is valid of a commit is applied, and what is not is told.
#include "tests/unit/sync/world.h"

namespace gitopsd::sync::test {
namespace {

using Ids = std::set<std::string>;

const ApplicationName kName("web");
const std::string kBroken = "apiVersion: test/v1\nkind: [Thing\n";

bool tells(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A world with "web", which skips what is invalid.
struct Lenient : World {
  Lenient() {
    add("web").invalid = config::InvalidPolicy::skip;
    start();
  }
  /// The error of a push that has to fail.
  std::string refused(const std::map<std::string, std::string>& files) {
    const auto event = ended(push(files));
    REQUIRE(event.state == store::EventState::failed);
    return event.error;
  }
};

}  // namespace

TEST_CASE("without a word nothing of a commit is applied where some of it is invalid") {
  World world;
  world.add("web");
  world.start();
  const auto event = world.ended(world.push({{"web/a.yaml", thing("a", "1")}, {"web/b.yaml", kBroken}}));
  CHECK(event.state == store::EventState::failed);
  CHECK(world.place.ids().empty());
}

TEST_CASE("a file that cannot be read is left out, and what it declared before stays as it is") {
  Lenient world;
  world.apply(
      {{"web/a.yaml", thing("a", "1")}, {"web/b.yaml", thing("b", "1")}, {"web/c.yaml", thing("c", "1")}});
  const auto error = world.refused(
      {{"web/a.yaml", thing("a", "2")}, {"web/b.yaml", kBroken}, {"web/d.yaml", thing("d", "1")}});
  CHECK(tells(error, "and the rest of it is applied"));
  CHECK(tells(error, ":web/b.yaml:"));
  CHECK(world.place.value("a") == "2");
  CHECK(world.place.value("b") == "1");
  CHECK(world.place.value("d") == "1");
  // What it applied is healed, and what it left is, too.
  world.place.change("d", "by hand");
  world.place.change("b", "by hand");
  CHECK(eventually([&] { return world.place.value("d") == "1" && world.place.value("b") == "1"; }));
  // The next commit is all of it, with what the one before left out.
  world.apply({{"web/b.yaml", thing("b", "2")}});
  CHECK(world.place.value("b") == "2");
  CHECK(world.status("web").status == SyncStatus::synced);
}

TEST_CASE("nothing is deleted while something is left out, whatever its name was") {
  Lenient world;
  world.apply({{"web/a.yaml", thing("a", "1")}, {"web/b.yaml", thing("b", "1")}});
  world.move({{"web/a.yaml", "web/moved.yaml"}});
  const auto error = world.refused({{"web/moved.yaml", kBroken}, {"web/c.yaml", thing("c", "1")}});
  CHECK(tells(error, ":web/moved.yaml:"));
  CHECK(world.place.ids() == Ids{"a", "b", "c"});
  world.remove("web/c.yaml");  // applied by a sync that failed: nobody recorded its file
  world.remove("web/b.yaml");
  CHECK(world.ended(world.dispatcher->sync_now(kName, "ada")).state == store::EventState::failed);
  CHECK(world.place.ids() == Ids{"a", "b", "c"});
  world.apply({{"web/moved.yaml", thing("a", "2")}});
  CHECK(world.place.ids() == Ids{"a"});
}

TEST_CASE("a document that the provider does not take is left out, and the others of its file are not") {
  Lenient world;
  const auto error =
      world.refused({{"web/a.yaml", thing("a", "1") + "---\n" + thing("b", "1", "of: nothing")}});
  CHECK(tells(error, "web/a.yaml:"));
  CHECK(tells(error, "nobody defines nothing"));
  CHECK(world.place.ids() == Ids{"a"});
  CHECK(tells(world.status("web").error, "nobody defines nothing"));
}

TEST_CASE("what would be deleted is told with what is left out") {
  Lenient world;
  world.apply({{"web/a.yaml", thing("a", "1")}, {"web/b.yaml", thing("b", "1")}});
  world.remove("web/b.yaml");
  const auto error = world.refused({{"web/c.yaml", kBroken}});
  CHECK(tells(error, "nothing else of it was to be done"));
  CHECK(tells(error, "not deleted before all is valid: b"));
  CHECK(world.place.ids() == Ids{"a", "b"});
}

TEST_CASE("of what is declared twice neither is applied") {
  Lenient world;
  world.apply({{"web/a.yaml", thing("a", "1")}});
  const auto error = world.refused({{"web/b.yaml", thing("a", "2")}, {"web/c.yaml", thing("c", "1")}});
  CHECK(tells(error, "a second time"));
  CHECK(world.place.value("a") == "1");
  CHECK(world.place.value("c") == "1");
}

TEST_CASE("what is declared twice is told with the lines of both, also where one of the files was not read") {
  World world;
  world.add("web");
  world.start();
  world.apply({{"web/a.yaml", thing("x", "1") + "---\n" + thing("a", "1")}});
  const auto once = world.ended(world.push({{"web/b.yaml", "# again\n" + thing("a", "2")}}));
  CHECK(once.state == store::EventState::failed);
  CHECK(tells(once.error, "web/b.yaml:2:1: Thing \"a\" declares a a second time"));
  CHECK(tells(once.error, "already declared in web/a.yaml:7;"));
}

TEST_CASE("what the plan refuses is left out, with what requires it") {
  Lenient world;
  world.place.refuse_plan("a");
  const auto error = world.refused({{"web/a.yaml", thing("a", "1")},
                                    {"web/b.yaml", thing("b", "1", "requires: a")},
                                    {"web/c.yaml", thing("c", "1", "requires: b")},
                                    {"web/d.yaml", thing("d", "1")}});
  CHECK(tells(error, "web/a.yaml:1:1: a: no plan"));
  CHECK(tells(error, "b requires a, which is left out"));
  CHECK(tells(error, "c requires b, which is left out"));
  CHECK(world.place.ids() == Ids{"d"});
}

TEST_CASE("a plan that is refused for what passes by itself is made again as a whole") {
  Lenient world;
  world.place.refuse_plan("a", ProblemCause::transient);
  const auto event =
      world.push({{"web/a.yaml", thing("a", "1")}, {"web/b.yaml", kBroken}, {"web/c.yaml", thing("c", "1")}});
  CHECK(eventually([&] { return tells(world.store->event(event)->reason, "a: no plan"); }));
  CHECK(world.place.ids().empty());
}

TEST_CASE("what another application lets go of later is taken without another commit") {
  Lenient world;
  world.apply({{"web/a.yaml", thing("a", "1")}});
  world.add("other").invalid = config::InvalidPolicy::skip;
  world.reload();
  world.refused({{"other/a.yaml", thing("a", "2")}, {"other/b.yaml", thing("b", "1")}});
  world.remove("web/a.yaml");
  world.ended(world.push({{"web/b.yaml", thing("c", "1")}}));
  CHECK(eventually([&] { return world.place.value("a") == "2" && world.place.owner("a") == "other"; }));
  CHECK(world.await("other", SyncStatus::synced).error.empty());
}

TEST_CASE("what another application owns is left out") {
  Lenient world;
  world.apply({{"web/a.yaml", thing("a", "1")}});
  world.add("other").invalid = config::InvalidPolicy::skip;
  world.reload();
  const auto error = world.refused({{"other/a.yaml", thing("a", "2")}, {"other/b.yaml", thing("b", "1")}});
  CHECK(tells(error, "a belongs to application web"));
  CHECK(world.place.value("a") == "1");
  CHECK(world.place.owner("b") == "other");
}

TEST_CASE("what requires what could not be read waits for that, too") {
  Lenient world;
  world.apply({{"web/a.yaml", thing("a", "1")}, {"web/b.yaml", thing("b", "1", "requires: a")}});
  const auto error = world.refused({{"web/a.yaml", kBroken},
                                    {"web/b.yaml", thing("b", "2", "requires: a")},
                                    {"web/c.yaml", thing("c", "1")}});
  CHECK(tells(error, "b requires a, which is left out"));
  CHECK(world.place.value("b") == "1");
  CHECK(world.place.value("c") == "1");
}

TEST_CASE("without a hook nothing is applied") {
  Lenient world;
  world.apply({{"web/a.yaml", thing("a", "1")}, {"web/h.yaml", thing("h", "run", "hook: pre")}});
  const int before = world.place.applies();
  SUBCASE("that cannot be read any more") {
    world.refused({{"web/a.yaml", thing("a", "2")}, {"web/h.yaml", kBroken}});
  }
  SUBCASE("that requires what is left out") {
    world.refused({{"web/a.yaml", thing("a", "2")},
                   {"web/b.yaml", thing("b", "1", "of: nothing")},
                   {"web/c.yaml", thing("b", "1", "of: nothing")},
                   {"web/h.yaml", thing("h", "run", "hook: pre\n  requires: x")},
                   {"web/x.yaml", thing("x", "1")},
                   {"web/y.yaml", thing("x", "2")}});
  }
  CHECK(world.place.applies() == before);
  CHECK(world.place.value("a") == "1");
}

TEST_CASE("a sync that leaves something out runs the hooks of a failure, and none of a success") {
  Lenient world;
  world.refused({{"web/a.yaml", thing("a", "1")},
                 {"web/b.yaml", kBroken},
                 {"web/e.yaml", thing("e", "run", "hook: pre")},
                 {"web/f.yaml", thing("f", "run", "hook: post")},
                 {"web/g.yaml", thing("g", "run", "hook: fail")}});
  CHECK(world.place.order() == std::vector<std::string>{"run pre e", "a", "run fail g"});
}

TEST_CASE("a plan names what it is without, also where it is held") {
  Lenient world;
  world.config.applications[0].approve = true;
  world.reload();
  const auto event = world.push({{"web/a.yaml", thing("a", "1")}, {"web/b.yaml", kBroken}});
  const auto held = world.await("web", Phase::held);
  CHECK(tells(held.waits_for, "it leaves out "));
  CHECK(tells(held.waits_for, "web/b.yaml:"));
  const auto stored = world.dispatcher->plan(kName, std::nullopt);
  CHECK(stored.held == held.sync);
  REQUIRE(stored.left_out.size() == 1);
  CHECK(tells(stored.left_out.front(), "web/b.yaml:"));
  const auto made = world.dispatcher->plan(kName, stored.revision);
  CHECK(made.left_out == stored.left_out);
  CHECK(made.steps.size() == 1);
  world.dispatcher->approve(kName, std::nullopt, "ada");
  CHECK(world.ended(event).state == store::EventState::failed);
  CHECK(world.place.value("a") == "1");
}

TEST_CASE("a commit that was refused is applied as far as it is valid, once that is let") {
  World world;
  world.add("web");
  world.start();
  world.ended(world.push({{"web/a.yaml", thing("a", "1")}, {"web/b.yaml", kBroken}}));
  CHECK(world.place.ids().empty());
  world.config.applications[0].invalid = config::InvalidPolicy::skip;
  world.reload();
  CHECK(eventually([&] { return world.place.value("a") == "1"; }));
}

}  // namespace gitopsd::sync::test
