#include <algorithm>

#include "tests/unit/store/fixture.h"

using namespace gitopsd;
using namespace gitopsd::store;
using namespace gitopsd::store::test;

namespace {

Declared row(const std::string& id, const std::string& digest, const std::string& path = "a.yaml",
             int index = 0) {
  return {ResourceId(id), digest, path, index, R"({"kind":"File"})"};
}

Applied applied(const ApplicationUid& uid = kWeb) {
  return {uid, commit('e'), {}, {}, {}};
}

SyncId succeed(Store& store, const DeclaredChange& change,
               const std::map<std::string, std::string>& documents = {}, int keep = 10,
               const ApplicationUid& uid = kWeb) {
  Sync s;
  s.application = uid;
  s.kind = "sync";
  s.state = SyncState::running;
  const auto id = store.begin_sync(s);
  store.succeed(id, applied(uid), change, documents, {SyncState::succeeded, "ok", {}, {}, {}, 0, 0, 0, 0},
                keep);
  return id;
}

std::string show(const std::vector<Declared>& rows) {
  std::string out;
  for (const auto& r : rows) out += r.id.str() + "=" + r.digest + " ";
  return out;
}

}  // namespace

TEST_CASE("a succeeded sync makes its set the current one") {
  Opened s;
  const auto id =
      succeed(*s.store, {{row("a", "aa11", "x.yaml"), row("b", "bb", "y.yaml", 1)}, {}}, {{"aa11", "A"}});
  s.reopen();
  CHECK(s->sync(id)->state == SyncState::succeeded);
  const auto app = s->application(kWeb);
  CHECK(app->last_succeeded == id);
  CHECK(app->revision == commit('e'));
  CHECK(show(s->declared(kWeb)) == "a=aa11 b=bb ");
  const auto in = s->declared_in(kWeb, {"y.yaml", "z.yaml"});
  REQUIRE(in.size() == 1);
  CHECK(in[0].index == 1);
  CHECK(in[0].path == "y.yaml");
  CHECK(in[0].resource == R"({"kind":"File"})");
  CHECK(s->declared_id(kWeb, ResourceId("a"))->digest == "aa11");
  CHECK_FALSE(s->declared_id(kWeb, ResourceId("c")));
  CHECK(s->declared_count(kWeb) == 2);
  CHECK(s->document("aa11") == "A");
  CHECK_FALSE(s->document("aa12"));
  CHECK(s->declared(ApplicationUid("other")).empty());
}

TEST_CASE("a set is read as it was when its sync succeeded") {
  Opened s;
  const auto one = succeed(*s.store, {{row("a", "a1"), row("b", "b1"), row("c", "c1")}, {}});
  const auto two = succeed(*s.store, {{row("a", "a2")}, {ResourceId("b")}});
  const auto three = succeed(*s.store, {{row("b", "b1"), row("d", "d3")}, {ResourceId("a")}});
  const auto four = succeed(*s.store, {});
  s.reopen();
  CHECK(show(s->declared_at(kWeb, one)) == "a=a1 b=b1 c=c1 ");
  CHECK(show(s->declared_at(kWeb, two)) == "a=a2 c=c1 ");
  CHECK(show(s->declared_at(kWeb, three)) == "b=b1 c=c1 d=d3 ");
  CHECK(show(s->declared_at(kWeb, four)) == "b=b1 c=c1 d=d3 ");
  CHECK(show(s->declared(kWeb)) == "b=b1 c=c1 d=d3 ");
  CHECK_THROWS_AS(s->declared_at(kWeb, SyncId{99}), Failure);
}

TEST_CASE("removing and putting a resource in one change puts it") {
  Opened s;
  const auto one = succeed(*s.store, {{row("a", "a1")}, {}});
  const auto two = succeed(*s.store, {{row("a", "a2"), row("a", "a3")}, {ResourceId("a")}});
  CHECK(show(s->declared_at(kWeb, one)) == "a=a1 ");
  CHECK(show(s->declared_at(kWeb, two)) == "a=a3 ");
}

TEST_CASE("old sets go, and with them the documents that nothing else refers to") {
  Opened s;
  const ApplicationUid other("other");
  succeed(*s.store, {{row("x", "a2")}, {}}, {{"a2", "A2"}}, 3, other);
  std::vector<SyncId> syncs;
  for (int i = 1; i <= 5; ++i) {
    const std::string digest = "a" + std::to_string(i);
    syncs.push_back(
        succeed(*s.store, {{row("a", digest), row("b", "b1")}, {}}, {{digest, "A"}, {"b1", "B"}}, 3));
  }
  CHECK_THROWS_AS(s->declared_at(kWeb, syncs[0]), Failure);
  CHECK_THROWS_AS(s->declared_at(kWeb, syncs[1]), Failure);
  CHECK(show(s->declared_at(kWeb, syncs[2])) == "a=a3 b=b1 ");
  CHECK_FALSE(s->document("a1"));
  CHECK(s->document("a2"));  // the other application has it
  CHECK(s->document("a3"));
  CHECK(s->document("b1"));
}

TEST_CASE("a document that the inventory refers to stays") {
  Opened s;
  const auto first = succeed(*s.store, {{row("a", "a1")}, {}}, {{"a1", "A"}}, 1);
  InventoryEntry entry;
  entry.id = ResourceId("a");
  entry.intended_digest = "a1";
  s->intend(kWeb, first, std::vector{entry});
  succeed(*s.store, {{row("a", "a2")}, {}}, {{"a2", "A"}}, 1);
  CHECK(s->document("a1"));
  s->settle(kWeb, first, std::vector<Store::Settled>{{ResourceId("a"), false, "a1", "", ""}});
  succeed(*s.store, {{row("a", "a3")}, {}}, {{"a3", "A"}}, 1);
  CHECK(s->document("a1"));
  CHECK_FALSE(s->document("a2"));
}

TEST_CASE("ten versions of many resources cost what changed") {
  Opened s;
  DeclaredChange all;
  for (int i = 0; i < 2000; ++i) all.put.push_back(row("r" + std::to_string(i), "00"));
  succeed(*s.store, all);
  s.reopen();
  const auto before = s->counts().bytes;
  for (int i = 1; i < 10; ++i) {
    all.put[7].digest = "0" + std::to_string(i);
    succeed(*s.store, all);  // the whole set given again: what is equal is not written
  }
  s.reopen();
  CHECK(s->counts().bytes - before <= 8 * 4096);
  CHECK(s->declared_count(kWeb) == 2000);
}

TEST_CASE("an application that still owns something is not forgotten") {
  Opened s;
  const auto id = succeed(*s.store, {{row("a", "a1")}, {}}, {{"a1", "A"}});
  InventoryEntry entry;
  entry.id = ResourceId("a");
  entry.intended_digest = "a1";
  s->intend(kWeb, id, std::vector{entry});
  CHECK_FALSE(s->forget_application(kWeb));
  CHECK(s->application(kWeb));
  CHECK(s->inventory_count(kWeb) == 1);
  CHECK(s->declared_count(kWeb) == 1);
  s->settle(kWeb, id, std::vector<Store::Settled>{{ResourceId("a"), true, "", "", ""}});
  CHECK(s->forget_application(kWeb));
  CHECK_FALSE(s->application(kWeb));
}

TEST_CASE("an application is abandoned with just what somebody saw that it owns, or not at all") {
  Opened s;
  const auto id = succeed(*s.store, {{row("a", "a1")}, {}}, {{"a1", "A"}});
  InventoryEntry entry;
  entry.id = ResourceId("a");
  entry.intended_digest = "a1";
  s->intend(kWeb, id, std::vector{entry});
  const auto refused = [&](const std::vector<ResourceId>& owned) {
    return !s->abandon(kWeb, owned, std::vector<std::string>{"{}"});
  };
  CHECK(refused({}));
  CHECK(refused({ResourceId("b")}));
  CHECK(refused({ResourceId("a"), ResourceId("b")}));
  CHECK(s->audit_log(1, 10).empty());
  CHECK(s->inventory_count(kWeb) == 1);
  CHECK(s->declared_count(kWeb) == 1);
  CHECK(s->abandon(kWeb, std::vector{ResourceId("a")}, std::vector<std::string>{R"({"n":1})", R"({"n":2})"}));
  s.reopen();
  CHECK_FALSE(s->application(kWeb));
  CHECK(s->inventory_count(kWeb) == 0);
  CHECK(s->declared_count(kWeb) == 0);
  CHECK(s->audit_log(1, 10).size() == 2);
  CHECK(s->syncs(kWeb, 5).size() == 1);
}

TEST_CASE("forgetting an application leaves its history") {
  Opened s;
  const auto id = succeed(*s.store, {{row("a", "a1")}, {}}, {{"a1", "A"}});
  CHECK(s->forget_application(kWeb));
  s.reopen();
  CHECK_FALSE(s->application(kWeb));
  CHECK(s->applications().empty());
  CHECK(s->declared_count(kWeb) == 0);
  CHECK_FALSE(s->document("a1"));
  CHECK(s->sync(id)->application == kWeb);
  CHECK(s->syncs(kWeb, 5).size() == 1);
  // Its name may come back.
  succeed(*s.store, {{row("b", "b1")}, {}});
  CHECK(show(s->declared(kWeb)) == "b=b1 ");
}
