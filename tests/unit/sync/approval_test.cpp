// What waits for somebody's word: approved or rejected, and only what was looked at.
#include "base/json.h"
#include "tests/unit/sync/world.h"

namespace gitopsd::sync::test {
namespace {

const ApplicationName kAsking("web");

std::string refusal(const std::function<void()>& work) {
  return source::test::failure_of(work).what();
}

}  // namespace

TEST_CASE("only the sync that was looked at is approved or rejected") {
  World world;
  world.apply_then_ask({{"web/a.yaml", thing("a", "1")}});
  world.push({{"web/a.yaml", thing("a", "2")}});
  const auto seen = world.await("web", Phase::held).sync;
  const auto newer = world.push({{"web/a.yaml", thing("a", "3")}});
  REQUIRE(eventually([&] { return world.store->event(newer)->state == store::EventState::held; }));
  const auto now = world.await("web", Phase::held).sync;
  REQUIRE(now != seen);
  for (const auto& said : {refusal([&] { world.dispatcher->approve(kAsking, seen, "ada"); }),
                           refusal([&] { world.dispatcher->reject(kAsking, seen, "ada"); })}) {
    CHECK(said.find("sync " + std::to_string(seen.value) + " does not wait") != std::string::npos);
    CHECK(said.find("sync " + std::to_string(now.value)) != std::string::npos);
  }
  CHECK(world.place.value("a") == "1");
  CHECK(world.dispatcher->approve(kAsking, now, "ada") == now);
  CHECK(world.ended(newer).state == store::EventState::succeeded);
  CHECK(world.place.value("a") == "3");
}

TEST_CASE("a rejected sync ends, and what is in force stays until something new comes or somebody asks") {
  World world;
  world.apply_then_ask({{"web/a.yaml", thing("a", "1")}});
  const auto event = world.push({{"web/a.yaml", thing("a", "2")}});
  const auto held = world.await("web", Phase::held);
  CHECK(world.dispatcher->reject(kAsking, held.sync, "ada") == held.sync);
  const auto ended = world.ended(event);
  CHECK(ended.state == store::EventState::cancelled);
  CHECK(ended.reason == "rejected by ada");
  CHECK(eventually([&] { return world.store->sync(held.sync)->state == store::SyncState::cancelled; }));
  CHECK(world.status("web").waits_for.find("rejected by ada") != std::string::npos);
  CHECK(world.status("web").status == SyncStatus::out_of_sync);
  const auto log = world.store->audit_log(1, 100);
  CHECK(std::any_of(log.begin(), log.end(), [](const auto& line) {
    const auto entry = parse_json(line.entry);
    return entry.get_string("action") == "reject" && entry.get_string("who") == "ada";
  }));
  CHECK_THROWS_AS(world.dispatcher->reject(kAsking, std::nullopt, "ada"), Failure);

  // Drift is put back to what is in force.
  world.place.change("a", "changed");
  CHECK(eventually([&] { return world.place.value("a") == "1"; }));
  // A push elsewhere, and a restart, do not ask for the same again.
  CHECK(world.ended(world.push({{"docs/x", "x"}})).reason.find("rejected by ada") != std::string::npos);
  world.restart();
  CHECK(world.ended(world.push({{"docs/x", "y"}})).reason.find("rejected by ada") != std::string::npos);
  CHECK(world.await("web", SyncStatus::out_of_sync).phase == Phase::idle);
  // Somebody who asks is asked again, and a new state is looked at as ever.
  const auto asked = world.dispatcher->sync_now(kAsking, "ben");
  REQUIRE(eventually([&] { return world.store->event(asked)->state == store::EventState::held; }));
  world.dispatcher->reject(kAsking, std::nullopt, "ada");
  CHECK(world.ended(asked).state == store::EventState::cancelled);
  const auto fresh = world.push({{"web/a.yaml", thing("a", "3")}});
  REQUIRE(eventually([&] { return world.store->event(fresh)->state == store::EventState::held; }));
  world.dispatcher->approve(kAsking, std::nullopt, "ada");
  CHECK(world.ended(fresh).state == store::EventState::succeeded);
  CHECK(world.place.value("a") == "3");
  CHECK(world.await("web", SyncStatus::synced).waits_for.empty());
}

TEST_CASE("a sync is rejected while drift beside it is put back, and a rollback that waits is not") {
  World world;
  world.apply_then_ask({{"web/a.yaml", thing("a", "1")}});
  const auto event = world.push({{"web/a.yaml", thing("a", "2")}});
  world.await("web", Phase::held);
  world.place.shut();
  world.place.change("a", "changed");
  world.place.await_waiting(1);
  world.dispatcher->reject(kAsking, std::nullopt, "ada");
  CHECK(world.ended(event).state == store::EventState::cancelled);
  const auto same = world.ended(world.push({{"README", "elsewhere"}}));
  CHECK(same.state == store::EventState::cancelled);
  CHECK(same.reason.find("was rejected by ada") != std::string::npos);
  world.place.open();
  CHECK(eventually([&] { return world.place.value("a") == "1"; }));
  world.await("web", Phase::idle);

  const auto second = world.push({{"web/a.yaml", thing("a", "3")}});
  REQUIRE(eventually([&] { return world.store->event(second)->state == store::EventState::held; }));
  world.dispatcher->approve(kAsking, std::nullopt, "ada");
  world.ended(second);
  const auto back = world.dispatcher->rollback(kAsking, std::nullopt, "ada");
  REQUIRE(eventually([&] { return world.store->event(back)->state == store::EventState::held; }));
  CHECK(refusal([&] { world.dispatcher->reject(kAsking, std::nullopt, "ada"); }).find("gitopsctl resume") !=
        std::string::npos);
}

TEST_CASE("what waits for approval keeps its number over a restart") {
  World world;
  world.apply_then_ask({{"web/a.yaml", thing("a", "1")}});
  const auto event = world.push({{"web/a.yaml", thing("a", "2")}});
  const auto held = world.await("web", Phase::held);
  for (int i = 0; i < 2; ++i) {
    world.restart();
    const auto again = world.await("web", Phase::held);
    CHECK(again.sync == held.sync);
    CHECK(again.released_by == held.released_by);
    CHECK(world.store->sync(held.sync)->state == store::SyncState::held);
  }
  CHECK(world.store->syncs_of(event).size() == 1);
  CHECK(world.dispatcher->approve(kAsking, held.sync, "ada") == held.sync);
  CHECK(world.ended(event).state == store::EventState::succeeded);
  CHECK(world.place.value("a") == "2");
  CHECK(world.store->sync(held.sync)->state == store::SyncState::succeeded);
}

TEST_CASE("what waits keeps its number when another event brings it up after a restart") {
  World world;
  world.apply_then_ask({{"web/a.yaml", thing("a", "1")}});
  const auto commit = world.commit({{"web/a.yaml", thing("a", "2")}});
  store::NewEvent untold;
  untold.repository = RepositoryName("site");
  untold.ref = source::test::main_ref();
  untold.after = commit;
  const auto first = world.store->add_event(untold);
  const auto second = world.deliver(commit);
  const auto held = world.await("web", Phase::held);
  REQUIRE(world.store->sync(held.sync)->event == second);
  world.restart();
  CHECK(world.await("web", Phase::held).sync == held.sync);
  world.dispatcher->approve(kAsking, held.sync, "ada");
  CHECK(world.ended(first).state == store::EventState::succeeded);
  CHECK(world.ended(second).state == store::EventState::succeeded);
  CHECK(world.store->sync(held.sync)->state == store::SyncState::succeeded);
}

TEST_CASE("another plan after a restart is another sync") {
  World world;
  world.add("web").drift = config::DriftPolicy::report;
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1")}});
  world.config.applications[0].approve = true;
  world.reload();
  const auto event = world.push({{"web/a.yaml", thing("a", "2")}});
  const auto held = world.await("web", Phase::held);
  world.dispatcher->stop(Monotonic::now() + std::chrono::seconds(5));
  world.place.change_unseen("a", "3");
  world.restart();
  const auto fresh = world.await("web", Phase::held);
  CHECK(fresh.sync != held.sync);
  CHECK(world.store->sync(held.sync)->state == store::SyncState::superseded);
  CHECK(world.store->sync(held.sync)->plan.find("-value: 1") != std::string::npos);
  CHECK(refusal([&] { world.dispatcher->approve(kAsking, held.sync, "ada"); }).find("does not wait") !=
        std::string::npos);
  world.dispatcher->approve(kAsking, fresh.sync, "ada");
  CHECK(world.ended(event).state == store::EventState::succeeded);
}

TEST_CASE("a provider that is not there yet after a restart takes no number from what waits") {
  World world;
  world.apply_then_ask({{"web/a.yaml", thing("a", "1")}});
  const auto event = world.push({{"web/a.yaml", thing("a", "2")}});
  const auto held = world.await("web", Phase::held);
  world.place.break_off();
  world.restart();
  world.await("web", Phase::backing_off);
  CHECK(world.store->sync(held.sync)->state == store::SyncState::held);
  world.place.break_off(false);
  CHECK(world.await("web", Phase::held).sync == held.sync);
  CHECK(world.store->syncs_of(event).size() == 1);
}

TEST_CASE("what waited at a stop ends where nothing asks for it any more") {
  World world;
  world.apply_then_ask({{"web/a.yaml", thing("a", "1")}});
  const auto event = world.push({{"web/a.yaml", thing("a", "2")}});
  const auto held = world.await("web", Phase::held).sync;
  const auto over = [&](SyncId id) { return world.store->sync(id)->state == store::SyncState::superseded; };
  SUBCASE("a newer commit came meanwhile") {
    world.dispatcher->stop(Monotonic::now() + std::chrono::seconds(5));
    const auto newer = world.push({{"web/a.yaml", thing("a", "3")}});
    world.restart();
    REQUIRE(eventually([&] { return world.store->event(newer)->state == store::EventState::held; }));
    CHECK(world.status("web").sync != held);
    CHECK(world.ended(event).state == store::EventState::superseded);
  }
  SUBCASE("the settings changed") {
    world.config.applications[0].exclude = {"*.txt"};
    world.restart();
    REQUIRE(eventually([&] { return world.store->event(event)->state == store::EventState::held; }));
    CHECK(eventually([&] { return over(held) && world.status("web").sync != held; }));
    CHECK(world.await("web", Phase::held).sync != held);
  }
  SUBCASE("the commit was taken back") {
    world.missing_delay = std::chrono::milliseconds(30);
    world.dispatcher->stop(Monotonic::now() + std::chrono::seconds(5));
    world.origin.set("refs/heads/main", world.store->application(ApplicationUid("web"))->revision);
    world.restart();
    CHECK(world.ended(event).state == store::EventState::superseded);
  }
  SUBCASE("the branch was deleted") {
    world.dispatcher->stop(Monotonic::now() + std::chrono::seconds(5));
    world.origin.git({"update-ref", "-d", "refs/heads/main"});
    world.restart();
    CHECK(world.ended(event).state == store::EventState::ignored);
  }
  SUBCASE("the application left") {
    world.config.applications.clear();
    world.restart();
    CHECK(store::ended(world.ended(event).state));
  }
  CHECK(eventually([&] { return over(held); }));
}

TEST_CASE("that a commit is only reported stays said when drift is put back") {
  World world;
  world.add("web");
  world.config.repositories[0].require_signed = true;
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1")}});
  store::NewEvent poll;
  poll.cause = store::Cause::poll;
  poll.repository = RepositoryName("site");
  poll.ref = source::test::main_ref();
  poll.after = world.commit({{"web/a.yaml", thing("a", "2")}});
  const auto event = world.store->add_event(poll);
  world.dispatcher->notify({event});
  world.ended(event);
  const auto before = world.store->syncs(ApplicationUid("web"), 1).front().id;
  world.place.change("a", "changed");
  REQUIRE(eventually([&] {
    const auto last = world.store->syncs(ApplicationUid("web"), 1).front();
    return last.id != before && last.state == store::SyncState::succeeded;
  }));
  CHECK(world.await("web", Phase::idle).waits_for.find("it is only reported") != std::string::npos);
  world.apply({{"web/a.yaml", thing("a", "3")}});
  CHECK(world.await("web", SyncStatus::synced).waits_for.empty());
}

TEST_CASE("a commit that is only reported is told once, however often it is looked at") {
  World world;
  world.add("web");
  world.config.repositories[0].require_signed = true;
  world.config.repositories[0].poll = std::chrono::milliseconds(10);
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1")}});
  const auto commit = world.commit({{"web/a.yaml", thing("a", "2")}});
  REQUIRE(eventually([&] {
    const auto now = world.status("web");
    return now.waits_for.find("commit " + commit.short_str() + " was not named") != std::string::npos;
  }));
  const auto looked_again = [&] {
    const auto before = world.dispatcher->repositories().at(0).last_look;
    return eventually([&] { return world.dispatcher->repositories().at(0).last_look > before; });
  };
  // The report may be of the poll's own event, beside which a look may find it once more.
  for (int i = 0; i < 5; ++i) REQUIRE(looked_again());
  const auto told = world.store->events({.limit = 1000}).size();
  for (int i = 0; i < 5; ++i) REQUIRE(looked_again());
  CHECK(world.store->events({.limit = 1000}).size() == told);
  CHECK(world.place.value("a") == "1");
}

}  // namespace gitopsd::sync::test
