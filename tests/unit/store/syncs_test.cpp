#include <map>

#include "tests/unit/store/fixture.h"

using namespace gitopsd;
using namespace gitopsd::store;
using namespace gitopsd::store::test;

namespace {

Sync sync_of(const std::string& app, EventId event = {}) {
  Sync s;
  s.event = event;
  s.application = ApplicationUid(app);
  s.kind = "sync";
  s.revision = commit('c');
  s.input_key = "aa";
  s.source_key = "bb";
  s.documents = "12";
  s.state = SyncState::running;
  s.timings.received = 5;
  return s;
}

Transition succeeded() {
  return {SyncState::succeeded, {}, {}, {}, {}, 0, 0, 0, 0};
}

}  // namespace

TEST_CASE("a sync from its beginning to its end") {
  Opened s;
  const auto event = s->add_event(push());
  const auto id = s->begin_sync(sync_of("web", event));
  auto read = s->sync(id);
  REQUIRE(read);
  CHECK(read->event == event);
  CHECK(read->application.str() == "web");
  CHECK(read->kind == "sync");
  CHECK(read->revision == commit('c'));
  CHECK(read->input_key == "aa");
  CHECK(read->source_key == "bb");
  CHECK(read->documents == "12");
  CHECK(read->started == s.clock.now);
  CHECK(read->ended == 0);
  CHECK(s->application(ApplicationUid("web"))->last_sync == id);

  Transition held{SyncState::held, "waits for approval", {}, "[1]", Timings{0, 6, 7, 0, 0, 0, 0}, 1, 2, 3, 4};
  s->set_sync(id, held);
  CHECK(s->open_syncs().size() == 1);
  Transition over{SyncState::failed, "broken", "no room", std::nullopt, std::nullopt, 5, 6, 7, 8};
  s.clock.now += 10;
  s->set_sync(id, over);
  s.reopen();
  read = s->sync(id);
  CHECK(read->state == SyncState::failed);
  CHECK(read->reason == "broken");
  CHECK(read->error == "no room");
  CHECK(read->plan == "[1]");
  CHECK(read->created == 5);
  CHECK(read->unchanged == 8);
  CHECK(read->ended == s.clock.now);
  CHECK(read->timings.received == 5);
  CHECK(read->timings.stored == 6);
  CHECK(read->timings.fetched == 7);
  CHECK(s->open_syncs().empty());
  CHECK(failure_of([&] { s->set_sync(SyncId{99}, over); }) == "there is no sync 99");
  CHECK_FALSE(s->sync(SyncId{99}));
}

TEST_CASE("a sync that begins takes a queued event along, and what waits beside it stays said") {
  Opened s;
  const auto queued = s->add_event(push()), held = s->add_event(push());
  s->set_event(queued, EventState::queued, "tried again in 2 s", "no route");
  s->set_event(held, EventState::held, "waits for approval");
  s->begin_sync(sync_of("web", queued));
  s->begin_sync(sync_of("web", held));
  CHECK(s->event(queued)->state == EventState::running);
  CHECK((s->event(queued)->reason + s->event(queued)->error).empty());
  CHECK(s->event(held)->state == EventState::held);
  CHECK(s->event(held)->reason == "waits for approval");
}

TEST_CASE("what came of an event that failed is found with the syncs") {
  Opened s;
  const auto ended = [&](const std::string& app, SyncState state, const std::string& kind = "sync") {
    Sync sync = sync_of(app);
    sync.kind = kind;
    const auto id = s->begin_sync(sync);
    s.clock.now += 10;
    if (state == SyncState::succeeded && kind != "heal")
      s->succeed(id, {ApplicationUid(app), commit('d'), {}, {}, {}}, {}, {}, succeeded(), 5);
    else
      s->set_sync(id, {state, {}, {}, {}, {}, 0, 0, 0, 0});
    return id;
  };
  ended("web", SyncState::succeeded);
  const auto web = ended("web", SyncState::failed), db = ended("db", SyncState::failed);
  const auto event = s->add_event(push());
  s->fail_event(event, "2 applications failed", "no room",
                {{kWeb, web}, {ApplicationUid("db"), db}, {ApplicationUid("unknown"), SyncId{}}});
  CHECK(s->event(event)->state == EventState::failed);
  CHECK(s->event(event)->error == "no room");
  const auto right = [&] {
    std::map<std::string, std::int64_t> out;
    for (const auto& part : s->failed_parts(event)) out[part.application.str()] = part.right.value;
    return out;
  };
  ended("web", SyncState::succeeded, "heal");
  ended("web", SyncState::succeeded, "rollback");
  ended("web", SyncState::failed);
  CHECK(right() == std::map<std::string, std::int64_t>{{"db", 0}, {"web", 0}});
  const auto first = ended("web", SyncState::succeeded);
  const auto when = s.clock.now.load();
  ended("web", SyncState::succeeded);
  CHECK(right() == std::map<std::string, std::int64_t>{{"db", 0}, {"web", first.value}});
  const auto part = s->failed_parts(event).at(1);
  CHECK(part.since == when);
  CHECK(part.revision == commit('c'));
  s.reopen();
  CHECK(right().size() == 2);
  // It failed anew: what it failed in before is of no interest.
  s->fail_event(event, "1 application failed", "no room", {{ApplicationUid("db"), db}});
  CHECK(right() == std::map<std::string, std::int64_t>{{"db", 0}});
  while (s->retain(s.clock.now + kDay)) continue;
  CHECK(right().empty());
}

TEST_CASE("syncs by application and by event") {
  Opened s;
  const auto event = s->add_event(push());
  const auto a = s->begin_sync(sync_of("web", event));
  const auto b = s->begin_sync(sync_of("db", event));
  const auto c = s->begin_sync(sync_of("web"));
  const auto of_web = s->syncs(ApplicationUid("web"), 10);
  REQUIRE(of_web.size() == 2);
  CHECK(of_web[0].id == c);
  CHECK(s->syncs(ApplicationUid("web"), 1).size() == 1);
  const auto of_event = s->syncs_of(event);
  REQUIRE(of_event.size() == 2);
  CHECK(of_event[0].id == a);
  CHECK(of_event[1].id == b);
  CHECK(s->syncs_of(EventId{}).empty());
  CHECK(s->open_syncs().size() == 3);
}

TEST_CASE("the syncs since one leave out heals, however many there are") {
  Opened s;
  const auto first = s->begin_sync(sync_of("web"));
  const auto second = s->begin_sync(sync_of("web"));
  auto heal = sync_of("web");
  heal.kind = "heal";
  for (int i = 0; i < 20; ++i) s->begin_sync(heal);
  s->begin_sync(sync_of("db"));
  const auto third = s->begin_sync(sync_of("web"));
  const auto since = [&](SyncId id, int limit) {
    std::vector<SyncId> ids;
    for (const auto& sync : s->syncs_since(kWeb, id, limit)) ids.push_back(sync.id);
    return ids;
  };
  CHECK(since(first, 10) == std::vector{third, second});
  CHECK(since(SyncId{}, 2) == std::vector{third, second});
  CHECK(since(third, 10).empty());
}

TEST_CASE("each who writes of an application leaves the words of the others alone") {
  Opened s;
  const ApplicationUid web("web");
  const auto before = s->begin_sync(sync_of("web"));
  s->configure_application({web, ApplicationName("website"), DestinationName("host"), "{}"});
  s->quarantine(web, "03");
  s->succeed(before, {web, commit('d'), "01", "02", "[]"}, {}, {}, succeeded(), 10);
  s->orphan_application(web);
  const auto sync = s->begin_sync(sync_of("web"));
  s.reopen();
  auto read = s->application(web);
  REQUIRE(read);
  CHECK(read->name.str() == "website");
  CHECK(read->destination.str() == "host");
  CHECK(read->settings == "{}");
  CHECK(read->last_sync == sync);
  CHECK(read->last_succeeded == before);
  CHECK(read->revision == commit('d'));
  CHECK(read->input_key == "01");
  CHECK(read->source_key == "02");
  CHECK(read->quarantined == "03");
  CHECK(read->outside == "[]");
  CHECK(read->orphaned);
  s->configure_application({web, ApplicationName("site"), DestinationName("host"), "{}"});
  s->quarantine(web, "");
  read = s->application(web);
  CHECK(read->name.str() == "site");
  CHECK_FALSE(read->orphaned);
  CHECK(read->quarantined.empty());
  CHECK(read->revision == commit('d'));
  CHECK(s->applications().size() == 1);
  CHECK_FALSE(s->application(ApplicationUid("other")));
}

TEST_CASE("what can be rolled back to is found however many heals and failures came since") {
  Opened s;
  const ApplicationUid web("web");
  const auto end = [&](std::string kind, SyncState state) {
    Sync sync = sync_of("web");
    sync.kind = std::move(kind);
    const auto id = s->begin_sync(sync);
    if (state == SyncState::succeeded && sync.kind != "heal") {
      s->succeed(id, {web, commit('d'), {}, {}, {}}, {}, {}, succeeded(), 2);
    } else {
      s->set_sync(id, {state, {}, {}, {}, {}, 0, 0, 0, 0});
    }
    return id;
  };
  end("sync", SyncState::succeeded);
  const auto second = end("rollback", SyncState::succeeded);
  const auto third = end("sync", SyncState::succeeded);
  for (int i = 0; i < 250; ++i)
    end(i % 2 ? "heal" : "sync", i % 2 ? SyncState::succeeded : SyncState::failed);
  const auto kept = s->kept_syncs(web);
  REQUIRE(kept.size() == 2);
  CHECK(kept[0].id == third);
  CHECK(kept[1].id == second);
  CHECK(kept[1].kind == "rollback");
  end("delete", SyncState::succeeded);
  CHECK(s->kept_syncs(web).size() == 1);
  CHECK(s->kept_syncs(ApplicationUid("other")).empty());
}

TEST_CASE("heals are counted by when they ended, against the end of the last succeeded sync") {
  Opened s;
  const ApplicationUid web("web");
  const auto begin = [&](std::string kind) {
    Sync sync = sync_of("web");
    sync.kind = std::move(kind);
    return s->begin_sync(sync);
  };
  const auto end = [&](SyncId id, SyncState state, int updated = 1) {
    s.clock.now += 10;
    s->set_sync(id, {state, {}, {}, "[" + std::to_string(id.value) + "]", {}, 0, updated, 0, 0});
  };
  CHECK(s->heals(web).count == 0);
  const auto first = begin("sync");
  s->succeed(first, {web, commit('d'), {}, {}, {}}, {}, {}, succeeded(), 2);
  CHECK_FALSE(s->heals(web).last);
  const auto waits = begin("sync");
  const auto beside = begin("heal");
  end(beside, SyncState::succeeded);
  CHECK(s->heals(web).count == 1);
  // A sync that failed brought nothing: what is put back is still what came before it.
  end(begin("sync"), SyncState::failed);
  CHECK(s->heals(web).last->id == beside);
  s.clock.now += 10;
  s->succeed(waits, {web, commit('e'), {}, {}, {}}, {}, {}, succeeded(), 2);
  CHECK(s->heals(web).count == 0);
  end(begin("heal"), SyncState::failed);
  end(begin("heal"), SyncState::succeeded);
  const auto last = begin("heal");
  end(last, SyncState::succeeded);
  begin("heal");
  end(begin("heal"), SyncState::succeeded, 0);  // which found nothing to put back
  const auto heals = s->heals(web);
  CHECK(heals.count == 2);
  REQUIRE(heals.last);
  CHECK(heals.last->id == last);
  CHECK(heals.last->plan == "[" + std::to_string(last.value) + "]");
  CHECK(s->heals(ApplicationUid("other")).count == 0);
}

TEST_CASE("effect steps are open until they ended") {
  Opened s;
  const ApplicationUid web("web");
  const auto sync = s->begin_sync(sync_of("web"));
  s->begin_effect(web, {sync, "migrate", "check", false});
  s->begin_effect(web, {sync, "restart", "safe", false});
  s.reopen();
  CHECK(s->open_effects(web).size() == 2);
  s->end_effect(web, sync, "migrate");
  const auto open = s->open_effects(web);
  REQUIRE(open.size() == 1);
  CHECK(open[0].sync == sync);
  CHECK(open[0].key == "restart");
  CHECK(open[0].rerun == "safe");
  s->begin_effect(web, {sync, "migrate", "hold", false});
  CHECK(s->open_effects(web).size() == 2);
  CHECK(s->open_effects(ApplicationUid("db")).empty());
  CHECK_THROWS_AS(s->end_effect(web, sync, "unknown"), Failure);
}

TEST_CASE("approvals and tips") {
  Opened s;
  const auto sync = s->begin_sync(sync_of("web"));
  CHECK_FALSE(s->approved_by(sync));
  s->approve(sync, "ada");
  const RepositoryName site("site");
  const auto main = *Ref::parse("refs/heads/main");
  CHECK_FALSE(s->tip(site, main));
  s->set_tip(site, main, commit('1'));
  s->set_tip(site, main, commit('2'));
  s.reopen();
  CHECK(s->approved_by(sync) == "ada");
  CHECK(s->tip(site, main) == commit('2'));
  CHECK_FALSE(s->tip(site, *Ref::parse("refs/heads/mai")));
}
