#include "tests/unit/store/fixture.h"

using namespace gitopsd;
using namespace gitopsd::store;
using namespace gitopsd::store::test;

namespace {

SyncId begin(Store& store, const ApplicationUid& uid = kWeb) {
  Sync s;
  s.application = uid;
  s.state = SyncState::running;
  return store.begin_sync(s);
}

InventoryEntry intent(const std::string& id, const std::string& digest, const std::string& resource = "{}") {
  InventoryEntry e;
  e.id = ResourceId(id);
  e.intended_digest = digest;
  e.resource = resource;
  return e;
}

Store::Settled done(const std::string& id, const std::string& digest) {
  return {ResourceId(id), false, digest, "receipt of " + id, R"({"what":"created"})"};
}

void own(Store& store, SyncId sync, const std::string& id, const std::string& digest,
         const ApplicationUid& uid = kWeb) {
  store.intend(uid, sync, std::vector{intent(id, digest)});
  store.settle(uid, sync, std::vector{done(id, digest)});
}

void succeed(Store& store, SyncId sync) {
  Applied a;
  a.uid = kWeb;
  store.succeed(sync, a, {}, {}, {SyncState::succeeded, {}, {}, {}, {}, 0, 0, 0, 0}, 10);
}

}  // namespace

TEST_CASE("an intent is there before the change, and settled it is owned") {
  Opened s;
  const auto sync = begin(*s.store);
  s->intend(kWeb, sync, std::vector{intent("a", "aa", R"({"kind":"File"})")});
  s.reopen();
  auto all = s->inventory(kWeb);
  REQUIRE(all.size() == 1);
  CHECK(all[0].owned_digest.empty());
  CHECK(all[0].intended_sync == sync);
  CHECK(all[0].intended_digest == "aa");
  CHECK(all[0].resource == R"({"kind":"File"})");

  s->settle(kWeb, sync, std::vector{done("a", "aa")});
  s.reopen();
  all = s->inventory(kWeb);
  REQUIRE(all.size() == 1);
  CHECK(all[0].owned_digest == "aa");
  CHECK(all[0].receipt == "receipt of a");
  CHECK(all[0].intended_sync == SyncId{});
  CHECK(all[0].intended_digest.empty());
  CHECK(all[0].resource == R"({"kind":"File"})");
  CHECK(all[0].changed_by == sync);
  CHECK(s->audit_log(1, 10).size() == 1);
  CHECK(s->inventory_count(kWeb) == 1);
}

TEST_CASE("an open intent leaves the owned half alone") {
  Opened s;
  const auto sync = begin(*s.store);
  own(*s.store, sync, "a", "aa");
  s->intend(kWeb, sync, std::vector{intent("a", "", "")});  // to delete it
  auto e = s->inventory(kWeb, {ResourceId("a")}).at(0);
  CHECK(e.owned_digest == "aa");
  CHECK(e.intended_sync == sync);
  CHECK(e.resource == "{}");
  s->settle(kWeb, sync, std::vector<Store::Settled>{{ResourceId("a"), false, "", "", ""}});
  e = s->inventory(kWeb, {ResourceId("a")}).at(0);
  CHECK(e.owned_digest == "aa");
  CHECK(e.receipt == "receipt of a");
  CHECK(e.intended_sync == SyncId{});
}

TEST_CASE("what is confirmed gone leaves; what was never owned and failed leaves too") {
  Opened s;
  const auto sync = begin(*s.store);
  own(*s.store, sync, "a", "aa");
  s->intend(kWeb, sync, std::vector{intent("b", "bb")});
  const std::vector<Store::Settled> settled{{ResourceId("a"), true, "", "", ""},
                                            {ResourceId("b"), false, "", "", ""}};
  s->settle(kWeb, sync, settled);
  CHECK(s->inventory(kWeb).empty());
}

TEST_CASE("only what was asked for is read") {
  Opened s;
  const auto sync = begin(*s.store);
  for (const char* id : {"a", "b", "c"}) own(*s.store, sync, id, "00");
  CHECK(s->inventory(kWeb, {ResourceId("b"), ResourceId("z")}).size() == 1);
  CHECK(s->inventory(kWeb, std::vector<ResourceId>{}).empty());
}

TEST_CASE("unsettled is what is open or was touched after the last success") {
  Opened s;
  const auto first = begin(*s.store);
  for (const char* id : {"a", "b", "c"}) own(*s.store, first, id, "00");
  CHECK(s->unsettled(kWeb).size() == 3);
  succeed(*s.store, first);
  CHECK(s->unsettled(kWeb).empty());
  const auto second = begin(*s.store);
  own(*s.store, second, "b", "01");
  s->intend(kWeb, second, std::vector{intent("c", "02")});
  auto open = s->unsettled(kWeb);
  REQUIRE(open.size() == 2);
  CHECK(open[0].id.str() == "c");
  CHECK(open[1].id.str() == "b");
  // The next success settles what the failed one touched, but no open intent.
  const auto third = begin(*s.store);
  succeed(*s.store, third);
  open = s->unsettled(kWeb);
  REQUIRE(open.size() == 1);
  CHECK(open[0].id.str() == "c");
}

TEST_CASE("another application's resource at the same destination is seen") {
  Opened s;
  for (const auto& [uid, destination] : {std::pair{"web", "host"}, {"db", "host"}, {"far", "other"}}) {
    s->configure_application({ApplicationUid(uid), {}, DestinationName(destination), {}});
  }
  own(*s.store, begin(*s.store), "a", "aa", kWeb);
  const DestinationName host("host");
  CHECK(s->owner_of(host, ResourceId("a"), ApplicationUid("db")) == kWeb);
  CHECK_FALSE(s->owner_of(host, ResourceId("a"), kWeb));
  CHECK_FALSE(s->owner_of(DestinationName("other"), ResourceId("a"), ApplicationUid("far")));
  CHECK_FALSE(s->owner_of(host, ResourceId("b"), ApplicationUid("db")));
}

TEST_CASE("what is handed over is never nobody's, and it is known whose mark it has") {
  Opened s;
  const ApplicationUid shop("shop"), mail("mail");
  const auto sync = begin(*s.store);
  const auto commit = CommitId::parse(std::string(40, 'a')).value();
  own(*s.store, sync, "a", "aa");
  s->intend(shop, begin(*s.store, shop), std::vector{intent("a", "ab")});  // it was refused that
  const auto give = [&](const ApplicationUid& from, const ApplicationUid& to) {
    s->hand_over(from, sync,
                 std::vector<Store::Handed>{{ResourceId("a"), to, commit, R"({"what":"handed"})"}});
    s.reopen();
    CHECK(s->inventory(from).empty());
    const auto all = s->inventory(to);
    REQUIRE(all.size() == 1);
    CHECK(all[0].owned_digest == "aa");
    CHECK(all[0].receipt == "receipt of a");
    CHECK_FALSE(all[0].intended_sync);
    CHECK(all[0].handed_at == commit);
    return all[0].from;
  };
  CHECK(give(kWeb, shop) == kWeb);
  REQUIRE(s->unsettled(shop).size() == 1);
  CHECK(give(shop, mail) == kWeb);  // nobody has written to it since
  CHECK(give(mail, kWeb).empty());
  CHECK(give(kWeb, shop) == kWeb);
  s->intend(shop, begin(*s.store, shop), std::vector{intent("a", "aa")});
  CHECK(give(shop, kWeb) == shop);  // which may have written its mark
  CHECK(give(kWeb, shop).empty());
  s->settle(shop, sync, std::vector{done("a", "ac")});
  CHECK(s->inventory(shop)[0].from.empty());
}

TEST_CASE("an application that goes elsewhere leaves what it owns, and finds it again there") {
  Opened s;
  const ApplicationUid left("web@here"), there("web@there");
  const Configured here{kWeb, ApplicationName("web"), DestinationName("here"), R"({"policy":1})"};
  const Configured elsewhere{kWeb, ApplicationName("web"), DestinationName("there"), R"({"policy":2})"};
  s->configure_application(here);
  const auto sync = begin(*s.store);
  own(*s.store, sync, "a", "aa");
  succeed(*s.store, sync);
  s->change_destination(elsewhere, left, there);
  s.reopen();
  CHECK(s->inventory(kWeb).empty());
  CHECK_FALSE(s->application(kWeb)->last_succeeded);
  CHECK(s->application(kWeb)->destination.str() == "there");
  const auto orphan = s->application(left);
  REQUIRE(orphan);
  CHECK(orphan->orphaned);
  CHECK(orphan->destination.str() == "here");
  CHECK(orphan->settings == R"({"policy":1})");
  REQUIRE(s->inventory(left).size() == 1);
  CHECK(s->inventory(left)[0].from == kWeb);

  s->change_destination(here, there, left);
  REQUIRE(s->inventory(kWeb).size() == 1);
  CHECK(s->inventory(kWeb)[0].from.empty());
  CHECK(s->inventory(left).empty());
  CHECK_FALSE(s->application(there));
}
