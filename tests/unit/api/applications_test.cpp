#include "base/json.h"
#include "tests/unit/api/world.h"

using namespace gitopsd;
using namespace gitopsd::api;

namespace {

struct Applications : Running {
  std::string user = get("/v1/version").body.get_string("user");
  std::string body_commit(const char* key) {
    return std::string("{\"") + key + "\": \"" + std::string(40, 'C') + "\"}";
  }
};

}  // namespace

TEST_CASE_FIXTURE(World, "status shows every application, the counts and whether the daemon is ready") {
  auto& web = dispatcher.applications[0];
  web.phase = sync::Phase::held;
  web.status = sync::SyncStatus::out_of_sync;
  web.health = protocol::Health::healthy;
  web.waits_for = "approval: it deletes 3 of 4 resources";
  web.released_by = "gitopsctl approve web";
  web.wanted = commit_of('c');
  web.synced_revision = commit_of('b');
  web.attempt = 2;
  web.error_before = "no namespace";
  web.contested = {21, {{ResourceId("a"), "kubectl-edit", "2026-11-24T09:59:48Z", 5, kNoon}}};
  web.in_part = {commit_of('d'), SyncId{7}, 2};
  web.since = kNoon;
  web.resources = 4;
  store.put(event_double(1, store::EventState::held));
  start();
  const auto answer = get("/v1/status");
  REQUIRE(answer.status == 200);
  CHECK(answer.body.get_bool("ready"));
  CHECK(answer.body.get_string("config") == "/etc/gitopsd/gitopsd.yaml");
  CHECK(answer.body.at_pointer("/events/held")->as_int() == 1);
  CHECK(answer.body.at_pointer("/events/cancelled")->as_int() == 0);
  CHECK(answer.body.at_pointer("/applications/0/name")->as_string() == "mail");
  const Value& shown = *answer.body.at_pointer("/applications/1");
  CHECK(shown.get_string("name") == "web");
  CHECK(shown.get_string("phase") == "held");
  CHECK(shown.get_string("status") == "out_of_sync");
  CHECK(shown.get_string("health") == "healthy");
  CHECK(shown.get_string("released_by") == "gitopsctl approve web");
  CHECK(shown.get_string("wanted") == std::string(40, 'c'));
  CHECK(shown.get_string("since") == "2026-11-24T12:00:00.000Z");
  CHECK(shown.as_object().at("revision").is_null());
  CHECK(shown.get_string("synced_revision") == std::string(40, 'b'));
  CHECK(shown.as_object().at("error").is_null());
  CHECK(shown.get_string("error_before") == "no namespace");
  CHECK(shown.get_int("attempt") == 2);
  CHECK(shown.as_object().at("contested") == parse_json(R"({"count":21,"resources":[{"id":"a",
      "changed_by":"kubectl-edit","changed_at":"2026-11-24T09:59:48Z","put_back":5,
      "paused_until":"2026-11-24T12:00:00.000Z"}]})"));
  CHECK(shown.as_object().at("not_converging").is_null());
  CHECK(shown.as_object().at("in_part") ==
        parse_json(R"({"left_out":2,"sync":7,"revision":")" + std::string(40, 'd') + "\"}"));
  CHECK(answer.body.at_pointer("/applications/0/in_part")->is_null());
  CHECK(answer.body.at_pointer("/applications/0/attempt")->is_null());
  CHECK(shown.get_int("resources") == 4);
}

TEST_CASE_FIXTURE(World, "status says why the daemon is not ready") {
  dispatcher.places[0].connected = dispatcher.places[0].reachable = false;
  store.can_write = false;
  start();
  const auto answer = get("/v1/status");
  CHECK_FALSE(answer.body.get_bool("ready"));
  REQUIRE(answer.body.get_array("not_ready").size() == 2);
  CHECK(answer.body.at_pointer("/not_ready/1")->as_string() ==
        "destination:web-1: provider 'host' is not connected");
}

TEST_CASE_FIXTURE(World, "an application is found by name and by uid, with its last sync") {
  dispatcher.applications[0].sync = SyncId{70};
  store.put(sync_double(70, 7));
  start();
  for (const std::string path : {"/v1/applications/web", "/v1/applications/uid-web"}) {
    const auto answer = get(path);
    REQUIRE(answer.status == 200);
    CHECK(answer.body.at_pointer("/application/name")->as_string() == "web");
    CHECK(answer.body.at_pointer("/last_sync/id")->as_int() == 70);
  }
  CHECK(get("/v1/applications/mail").body.as_object().at("last_sync").is_null());
}

TEST_CASE_FIXTURE(World, "an orphaned application is known by the name it had") {
  store::ApplicationState state;
  state.uid = ApplicationUid("uid-old");
  state.name = ApplicationName("old");
  store.states.push_back(state);
  sync::ApplicationStatus status;
  status.name = state.name;
  status.uid = state.uid;
  status.orphaned = true;
  dispatcher.applications.push_back(status);
  start();
  const auto answer = get("/v1/applications/old");
  REQUIRE(answer.status == 200);
  CHECK(answer.body.at_pointer("/application/orphaned")->as_bool());
  CHECK(answer.body.at_pointer("/application/repository")->is_null());
  CHECK(post("/v1/applications/old/delete", R"({"cascade": true})").status == 202);
}

TEST_CASE_FIXTURE(Applications, "an unknown application is 404 on every route, with the nearest name") {
  for (const std::string path :
       {"/v1/applications/webb", "/v1/applications/webb/syncs", "/v1/applications/webb/inventory"}) {
    CAPTURE(path);
    const auto answer = get(path);
    CHECK(answer.status == 404);
    CHECK(answer.body.at_pointer("/error/hint")->as_string() == "did you mean 'web'?");
  }
  for (const std::string verb :
       {"plan", "sync", "approve", "reject", "rollback", "resume", "delete", "forget"}) {
    CAPTURE(verb);
    CHECK(post("/v1/applications/webb/" + verb, "{}").status == 404);
  }
  CHECK(dispatcher.told.empty());
}

TEST_CASE_FIXTURE(World, "syncs of one application are listed newest first") {
  for (int i = 1; i <= 3; ++i) store.put(sync_double(i, 0));
  store.put(sync_double(4, 0, "uid-mail"));
  start();
  const auto answer = get("/v1/applications/web/syncs?limit=2");
  REQUIRE(answer.body.get_array("syncs").size() == 2);
  CHECK(answer.body.at_pointer("/syncs/0/id")->as_int() == 3);
  CHECK(answer.body.at_pointer("/syncs/0/event")->is_null());
  CHECK(get("/v1/applications/web/syncs?limit=0").status == 400);
}

TEST_CASE_FIXTURE(World, "the inventory tells owned from intended") {
  store::InventoryEntry owned, intended, leaving;
  owned.id = ResourceId("b");
  owned.owned_digest = "d1";
  owned.resource = R"({"kind": "File", "name": "motd"})";
  owned.changed_by = SyncId{3};
  intended.id = ResourceId("a");
  intended.intended_sync = SyncId{4};
  intended.intended_digest = "d2";
  leaving.id = ResourceId("c");
  leaving.owned_digest = "d3";
  leaving.intended_sync = SyncId{5};
  leaving.resource = "{broken";
  store.inventories["uid-web"] = {owned, intended, leaving};
  start();
  const auto answer = get("/v1/applications/web/inventory");
  const auto& entries = answer.body.get_array("entries");
  REQUIRE(entries.size() == 3);
  CHECK(entries[0].get_string("id") == "a");
  CHECK_FALSE(entries[0].get_bool("owned"));
  CHECK(entries[0].get_string("intended") == "apply");
  CHECK(entries[1].get_string("kind") == "File");
  CHECK(entries[1].get_bool("owned"));
  CHECK(entries[1].as_object().at("intended").is_null());
  CHECK(entries[1].get_int("changed_by") == 3);
  CHECK(entries[2].get_string("intended") == "delete");
  CHECK(entries[2].as_object().at("kind").is_null());
}

TEST_CASE_FIXTURE(Applications, "actions reach the dispatcher in the caller's name") {
  CHECK(post("/v1/applications/web/sync").body.get_int("event") == 2001);
  CHECK(post("/v1/applications/web/approve").body.get_int("sync") == 2002);
  CHECK(post("/v1/applications/web/approve", R"({"sync": 12})").body.get_int("sync") == 2002);
  CHECK(post("/v1/applications/web/reject", R"({"sync": 12})").body.get_int("sync") == 2002);
  store.put([] {
    auto back = event_double(2003, store::EventState::queued);
    back.after = commit_of('d');
    return back;
  }());
  const auto back = post("/v1/applications/web/rollback").body;
  CHECK(back.get_int("event") == 2003);
  CHECK(back.get_string("revision") == std::string(40, 'd'));
  CHECK(post("/v1/applications/web/rollback", body_commit("to")).status == 202);
  CHECK(post("/v1/applications/web/resume").body.at_pointer("/application/name")->as_string() == "web");
  CHECK(post("/v1/applications/uid-mail/delete", R"({"cascade": true})").body.get_int("event") == 2004);
  CHECK(dispatcher.told == std::vector<std::string>{"sync web by " + user, "approve web by " + user,
                                                    "approve web sync 12 by " + user,
                                                    "reject web sync 12 by " + user,
                                                    "rollback web to the last by " + user,
                                                    "rollback web to " + std::string(40, 'c') + " by " + user,
                                                    "resume web by " + user, "delete mail by " + user});
}

TEST_CASE_FIXTURE(Applications, "a sync to approve or reject is a number or refused") {
  for (const std::string bad : {"0", "-1", "\"12\"", "true", "1.5"}) {
    CAPTURE(bad);
    CHECK(post("/v1/applications/web/approve", "{\"sync\": " + bad + "}").status == 400);
    CHECK(post("/v1/applications/web/reject", "{\"sync\": " + bad + "}").status == 400);
  }
  CHECK(dispatcher.told.empty());
}

TEST_CASE_FIXTURE(World, "an application tells the drift that was put back since its last sync") {
  start();
  CHECK(get("/v1/applications/web").body.at_pointer("/heals/count")->as_int() == 0);
  CHECK(get("/v1/applications/web").body.at_pointer("/heals/last")->is_null());
  auto last = sync_double(4, 0);
  last.kind = "heal";
  last.ended = kNoon;
  last.plan = R"({"steps": [{"key": "k", "id": "second", "action": "update"},
                            {"key": "l", "id": "same", "action": "none"}]})";
  store.put_back["uid-web"] = {2, last};
  const auto answer = get("/v1/applications/web");
  const Value& heals = *answer.body.find("heals");
  CHECK(heals.get_int("count") == 2);
  CHECK(heals.get_int("sync") == 4);
  CHECK(heals.get_string("last") == "2026-11-24T12:00:00.000Z");
  REQUIRE(heals.get_array("resources").size() == 1);
  CHECK(heals.get_array("resources")[0].as_string() == "second");
}

TEST_CASE_FIXTURE(World, "a configuration that was refused is shown until one comes into force") {
  start();
  auto answer = get("/v1/status");
  CHECK(answer.body.get_string("config_read") == "2026-11-24T11:59:00.000Z");
  CHECK(answer.body.as_object().at("config_refused").is_null());
  CHECK(probe("/metrics").text.find("\ngitopsd_config_last_reload_successful 1\n") != std::string::npos);
  reload.refused = kNoon;
  reload.error = "gitopsd.yaml:3:1: unknown key \"hookss\"";
  answer = get("/v1/status");
  CHECK(answer.body.get_bool("ready"));
  CHECK(answer.body.get_string("config_refused") == "2026-11-24T12:00:00.000Z");
  CHECK(answer.body.get_string("config_error") == reload.error);
  const auto metrics = probe("/metrics").text;
  CHECK(metrics.find("\ngitopsd_config_last_reload_successful 0\n") != std::string::npos);
  CHECK(metrics.find("\ngitopsd_config_last_reload_success_timestamp_seconds 1795521540\n") !=
        std::string::npos);
  const auto ready = probe("/readyz");
  CHECK(ready.status == 200);
  CHECK(ready.text.find("\"config\"") != std::string::npos);
  CHECK(ready.text.find("was refused") != std::string::npos);
  CHECK(ready.text.find("hookss") == std::string::npos);  // whoever may read this may not read that
}

TEST_CASE_FIXTURE(Applications, "nothing is deleted without cascade") {
  CHECK(post("/v1/applications/web/delete").status == 400);
  CHECK(post("/v1/applications/web/delete", R"({"cascade": false})").status == 400);
  CHECK(dispatcher.told.empty());
}

TEST_CASE_FIXTURE(Applications, "who forgets an application is told what stays, and where") {
  const auto answer = post("/v1/applications/web/forget");
  REQUIRE(answer.status == 200);
  CHECK(answer.body.get_string("destination") == "old");
  CHECK(answer.body.get_int("resources") == 3);
  CHECK(dispatcher.told == std::vector<std::string>{"forget web by " + user});
  dispatcher.refuses = Problem{ProblemCause::conflict, "it is configured", "take it out", {}, {}};
  CHECK(post("/v1/applications/web/forget").status == 409);
}

TEST_CASE_FIXTURE(Applications, "a commit is a whole commit id or refused") {
  const std::string zeros(40, '0'), sha256(64, 'a');
  for (const std::string& bad : {std::string("abc"), std::string("main"), zeros, sha256}) {
    CAPTURE(bad);
    CHECK(post("/v1/applications/web/rollback", "{\"to\": \"" + bad + "\"}").status == 400);
    CHECK(post("/v1/applications/web/plan", "{\"revision\": \"" + bad + "\"}").status == 400);
  }
  CHECK(dispatcher.told.empty());
}

TEST_CASE_FIXTURE(Applications, "a rollback takes a commit by its first digits, too") {
  CHECK(post("/v1/applications/web/rollback", R"({"to": "abcdef7"})").status == 202);
  CHECK(post("/v1/applications/web/rollback", R"({"to": "abcdef"})").status == 400);
  REQUIRE(dispatcher.told.size() == 2);
  CHECK(dispatcher.told[0] == "find abcdef7 of web by anybody");
  CHECK(dispatcher.told[1].starts_with("rollback web to abcdef7" + std::string(33, '0')));
}

TEST_CASE_FIXTURE(Applications, "a plan takes a commit by its first digits, seven or more") {
  const auto plan = [&](const std::string& revision) {
    return post("/v1/applications/web/plan", "{\"revision\": \"" + revision + "\"}").status;
  };
  CHECK(plan("abcdef7") == 200);
  CHECK(plan(std::string(39, 'B')) == 200);
  CHECK(plan("abcdef") == 400);
  CHECK(plan("abcdefg") == 400);
  CHECK(dispatcher.told ==
        std::vector<std::string>{"find abcdef7 of web by anybody",
                                 "plan web at abcdef7" + std::string(33, '0') + " by anybody",
                                 "find " + std::string(39, 'B') + " of web by anybody",
                                 "plan web at " + std::string(39, 'b') + "0 by anybody"});
}

TEST_CASE_FIXTURE(World, "a plan shows its steps, their sum and what would hold it") {
  protocol::Step create, remove;
  create.key = "1";
  create.action = protocol::Action::create;
  create.diff = "+hello";
  remove.key = "2";
  remove.action = protocol::Action::remove;
  remove.destroys = protocol::Destroys::data;
  remove.after = {"1"};
  dispatcher.view = {SyncId{5},         commit_of('d'),    {create, remove},
                     "it deletes data", "it was rejected", "a sync"};
  start();
  const auto answer = post("/v1/applications/web/plan", "{}");
  REQUIRE(answer.status == 200);
  CHECK(answer.body.get_string("application") == "web");
  CHECK(answer.body.get_string("revision") == std::string(40, 'd'));
  CHECK(answer.body.get_int("held_sync") == 5);
  CHECK(answer.body.get_string("hold") == "it deletes data");
  CHECK(answer.body.get_string("kept_off") == "it was rejected");
  CHECK(answer.body.get_string("released_by") == "a sync");
  CHECK(answer.body.at_pointer("/steps/0/diff")->as_string() == "+hello");
  CHECK(answer.body.at_pointer("/steps/1/action")->as_string() == "delete");
  CHECK(answer.body.at_pointer("/steps/1/destroys")->as_string() == "data");
  CHECK(answer.body.at_pointer("/steps/1/after/0")->as_string() == "1");
  CHECK(answer.body.at_pointer("/summary/create")->as_int() == 1);
  CHECK(answer.body.at_pointer("/summary/delete")->as_int() == 1);
  CHECK(answer.body.at_pointer("/summary/update")->as_int() == 0);
}

TEST_CASE_FIXTURE(World, "failures become the status of their cause, with message and hint") {
  start();
  const std::pair<ProblemCause, int> table[] = {
      {ProblemCause::input, 422},     {ProblemCause::permission, 403},  {ProblemCause::conflict, 409},
      {ProblemCause::transient, 503}, {ProblemCause::destination, 503}, {ProblemCause::internal, 500}};
  for (const auto& [cause, status] : table) {
    dispatcher.refuses = Problem{cause, "it does not work", "do something", "a.yaml", {3, 4}};
    const auto answer = post("/v1/applications/web/approve");
    CHECK(answer.status == status);
    CHECK(answer.body.at_pointer("/error/message")->as_string() == "a.yaml:3:4: it does not work");
    CHECK(answer.body.at_pointer("/error/hint")->as_string() == "do something");
    CHECK(answer.body.at_pointer("/error/cause")->as_string() == to_string(cause));
  }
  dispatcher.refuses = Problem{ProblemCause::input, "there is no such commit", {}, {}, {}};
  CHECK(post("/v1/applications/web/approve").status == 400);
}
