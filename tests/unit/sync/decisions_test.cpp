// What the dispatcher decides by: pure functions.
#include <doctest/doctest.h>

#include "daemon/sync/contest.h"
#include "daemon/sync/guard.h"
#include "daemon/sync/item.h"
#include "daemon/sync/need_index.h"
#include "daemon/sync/seal.h"
#include "daemon/sync/tag_pattern.h"
#include "daemon/sync/work.h"
#include "tests/unit/render/tree.h"

namespace gitopsd::sync {
namespace {

using namespace std::chrono_literals;
using protocol::Action;
using protocol::Destroys;

protocol::Step step(Action action, const std::string& id, Destroys destroys = Destroys::nothing) {
  protocol::Step s;
  s.key = id;
  s.id = ResourceId(id);
  s.action = action;
  s.destroys = destroys;
  return s;
}

std::vector<protocol::Step> deletions(int count) {
  std::vector<protocol::Step> steps;
  steps.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) steps.push_back(step(Action::remove, "r" + std::to_string(i)));
  return steps;
}

Item item(const std::string& id, std::vector<std::string> requires_ = {}) {
  Item i;
  i.resource.id = ResourceId(id);
  for (auto& r : requires_) i.resource.requires_.emplace_back(std::move(r));
  return i;
}

}  // namespace

TEST_CASE("promise 6: a plan that deletes too much waits for somebody") {
  const config::Application app;
  CHECK(hold_reason(app, deletions(1), 1, false).empty());
  CHECK_FALSE(hold_reason(app, deletions(2), 2, false).empty());   // all of two
  CHECK(hold_reason(app, deletions(2), 3, false).empty());         // the budget is never below two
  CHECK_FALSE(hold_reason(app, deletions(3), 10, false).empty());  // over 20 %
  CHECK(hold_reason(app, deletions(20), 100, false).empty());
  CHECK_FALSE(hold_reason(app, deletions(21), 100, false).empty());
  CHECK(hold_reason(app, deletions(100), 100, true).empty());  // a person said --cascade
  CHECK_FALSE(hold_reason(app, {step(Action::remove, "d", Destroys::data)}, 100, true).empty());
}

TEST_CASE("all that would destroy data is named") {
  std::vector<protocol::Step> steps = deletions(1);
  for (const char* id : {"a", "b"}) steps.push_back(step(Action::remove, id, Destroys::data));
  CHECK(hold_reason({}, steps, 100, false) == "delete a, delete b would destroy data");
  for (const char* id : {"c", "d", "e", "f", "g"}) steps.push_back(step(Action::replace, id, Destroys::data));
  CHECK(hold_reason({}, steps, 100, false) ==
        "delete a, delete b, replace c, replace d, replace e and 2 more would destroy data");
}

TEST_CASE("an application that wants approval holds every change and nothing else") {
  config::Application app;
  app.approve = true;
  CHECK_FALSE(hold_reason(app, {step(Action::create, "a")}, 5, false).empty());
  CHECK(hold_reason(app, {step(Action::none, "a")}, 5, false).empty());
}

TEST_CASE("promise 13: who fights is slowed down and named once") {
  Contest contest;
  const ResourceId id("x");
  const Monotonic::time_point t0{1h};
  CHECK(contest.ask(id, t0).when == t0);
  contest.healed(id, t0);
  CHECK(contest.ask(id, t0).when == t0 + 1s);
  contest.healed(id, t0 + 1s);
  CHECK(contest.ask(id, t0 + 1s).when == t0 + 3s);
  CHECK_FALSE(contest.ask(id, t0 + 3s).contested);
  contest.healed(id, t0 + 3s);
  const auto third = contest.ask(id, t0 + 4s);
  CHECK(third.contested);
  CHECK(third.say);
  CHECK_FALSE(contest.ask(id, t0 + 4s).say);
  contest.ask(id, t0 + 4s, {"kubectl-edit", "2026-01-01T00:00:00Z"});
  contest.ask(id, t0 + 4s);  // nobody knows who it was this time
  const auto fights = contest.fights(t0 + 4s);
  REQUIRE(fights.size() == 1);
  CHECK(fights[0].id == id);
  CHECK(fights[0].changer.by == "kubectl-edit");
  CHECK(fights[0].heals == 3);
  CHECK(fights[0].until == t0 + 3s + 4s);
  CHECK(contest.fights(t0 + 3s + 11min).empty());  // without being asked
  for (int i = 0; i < 30; ++i) contest.healed(id, t0 + 4s);
  CHECK(contest.ask(id, t0 + 4s).when == t0 + 4s + 5min);
  CHECK(contest.ask(id, t0 + 4s + 11min).when == t0 + 4s + 11min);  // quiet for ten minutes
  CHECK(contest.fights(t0 + 4s + 11min).empty());
}

TEST_CASE("somebody says that a fight is over") {
  Contest contest;
  const ResourceId id("x");
  const Monotonic::time_point t0{1h};
  CHECK_FALSE(contest.settle());
  for (int i = 0; i < 3; ++i) contest.healed(id, t0);
  CHECK(contest.ask(id, t0).say);
  CHECK(contest.settle());
  CHECK(contest.fights(t0).empty());
  CHECK(contest.ask(id, t0).when == t0);
}

TEST_CASE("a tag pattern means the highest version") {
  const auto refs = [](std::initializer_list<const char*> names) {
    std::vector<Ref> out;
    for (const char* n : names) out.push_back(*Ref::parse(std::string("refs/tags/") + n));
    return out;
  };
  CHECK(highest("refs/tags/v*", refs({"v1.9.0", "v1.10.0", "v1.10.0-rc.1", "vnext"}))->str() ==
        "refs/tags/v1.10.0");
  CHECK(highest("refs/tags/v1.9.0-*", refs({"v1.9.0-rc.2", "v1.9.0-rc.10"}))->str() ==
        "refs/tags/v1.9.0-rc.10");
  CHECK_FALSE(highest("refs/tags/v*", refs({"release-1"})));
  CHECK(compare_versions("1.0.0", "1.0.0-rc.1") > 0);
  CHECK(compare_versions("v1.0", "v1.0.0") == 0);
  CHECK(compare_versions("1.0.0-alpha", "1.0.0-alpha.1") < 0);
  CHECK(compare_versions("1.0.0-2", "1.0.0-alpha") < 0);
  CHECK(compare_versions("99999999999999999999.0", "2.0") > 0);
  CHECK(follows("refs/heads/main", *Ref::parse("refs/heads/main")));
  CHECK_FALSE(follows("refs/heads/main", *Ref::parse("refs/heads/main2")));
}

TEST_CASE("requirements come before what requires them, and a circle is named") {
  std::vector<Item> items = {item("c", {"b"}), item("a"), item("b", {"a"}), item("d")};
  sort_by_requirements(items);
  std::string order;
  for (const auto& i : items) order += i.resource.id.str();
  CHECK(order.find('a') < order.find('b'));
  CHECK(order.find('b') < order.find('c'));
  std::vector<Item> circle = {item("a", {"b"}), item("b", {"a"}), item("free")};
  CHECK_THROWS_WITH_AS(sort_by_requirements(circle), doctest::Contains("a, b"), Failure);
}

TEST_CASE("promise 12: a document that holds a secret is sealed in the store") {
  const std::string key(32, 'k');
  Item i = item("x");
  i.document.json = Value::object({{"spec", Value::object({{"content", "hunter2hunter2"}})}});
  i.blobs.push_back({"f", "app/f", *CommitId::parse(std::string(40, 'a')), "d1", 7});
  CHECK(pack_document(i, key).find("hunter2") != std::string::npos);
  i.resource.sensitive = {"/spec/content"};
  const std::string sealed = pack_document(i, key);
  CHECK(sealed.find("hunter2") == std::string::npos);
  CHECK(sealed != pack_document(i, key));  // a nonce each time
  Item back;
  unpack_document(sealed, key, back);
  CHECK(back.document.json == i.document.json);
  REQUIRE(back.blobs.size() == 1);
  CHECK(back.blobs[0].path == "app/f");
  CHECK_THROWS_AS(unpack_document(sealed, std::string(32, 'z'), back), Failure);
  std::string changed = sealed;
  changed.back() = static_cast<char>(changed.back() ^ 1);
  CHECK_THROWS_AS(unpack_document(changed, key, back), Failure);
}

TEST_CASE("a changed file leads to the manifests that need it, inside the path and outside") {
  NeedIndex index;
  const auto needs = [](const std::string& path) {
    return R"({"kind":"File","name":"n","needs":[[")" + path + R"(","aa"]]})";
  };
  index.load({{ResourceId("1"), "d", "app/one.yaml", 0, needs("app/motd")},
              {ResourceId("2"), "d", "app/two.yaml", 0, needs("shared/motd")},
              {ResourceId("3"), "d", "app/three.yaml", 0, R"({"kind":"File"})"}});
  CHECK(index.manifests_needing("app/motd") == std::set<std::string>{"app/one.yaml"});
  CHECK(index.outside("app") == OutsidePaths{{"shared/motd", "aa"}});
  index.update({"app/two.yaml"}, {});
  CHECK(index.outside("app").empty());
  CHECK(index.manifests_needing("shared/motd").empty());
}

TEST_CASE("what a renderer read outside of the path is part of the key, and so is its program") {
  const auto tree = gitopsd::test::Tree().file("app/a", "a").file("base/b", "b");
  const auto outside = [&](const std::string& path) {
    OutsidePaths paths;
    add_reads(paths, path, {"app", "base", "/usr/bin/env"}, tree);
    std::string names;
    for (const auto& [name, id] : paths) names += name + " ";
    return names;
  };
  CHECK(outside("app") == "/usr/bin/env base ");
  CHECK(outside("") == "/usr/bin/env ");
}

}  // namespace gitopsd::sync
