#include "tests/unit/api/world.h"

using namespace gitopsd;
using namespace gitopsd::api;

TEST_CASE_FIXTURE(World, "hooks show their address, counters and refused deliveries, newest first") {
  server.counts.accepted = 12;
  server.counts.unauthenticated = 2;
  server.ring = {{kNoon - 1'000'000, "main", "192.0.2.7", 401, "no signature"},
                 {kNoon, "mian", "192.0.2.8", 404, "no such hook"}};
  start();
  const auto answer = get("/v1/hooks");
  REQUIRE(answer.status == 200);
  CHECK(answer.body.get_string("public_url") == "https://gitops.example.org");
  CHECK(answer.body.at_pointer("/hooks/0/name")->as_string() == "main");
  CHECK(answer.body.at_pointer("/hooks/0/forge")->as_string() == "github");
  CHECK(answer.body.at_pointer("/hooks/0/repositories/0")->as_string() == "site");
  CHECK(answer.body.at_pointer("/hooks/0/path")->as_string() == "/hooks/main");
  CHECK(answer.body.at_pointer("/hooks/0/url")->as_string() == "https://gitops.example.org/hooks/main");
  CHECK(answer.body.at_pointer("/counters/accepted")->as_int() == 12);
  CHECK(answer.body.at_pointer("/counters/unauthenticated")->as_int() == 2);
  CHECK(answer.body.at_pointer("/refused/0/hook")->as_string() == "mian");
  CHECK(answer.body.at_pointer("/refused/1/reason")->as_string() == "no signature");
  CHECK(answer.body.at_pointer("/refused/1/address")->as_string() == "192.0.2.7");
  CHECK(answer.body.at_pointer("/refused/1/status")->as_int() == 401);
  CHECK_FALSE(answer.body.get_array("forges").empty());
}

TEST_CASE_FIXTURE(World, "promise 12: hooks show neither secrets nor where they are") {
  start();
  CHECK(get("/v1/hooks").text.find("secret") == std::string::npos);
}

TEST_CASE_FIXTURE(World, "without a public URL a hook has only its path") {
  config.server.public_url.clear();
  start();
  const auto answer = get("/v1/hooks");
  CHECK(answer.body.as_object().at("public_url").is_null());
  CHECK(answer.body.at_pointer("/hooks/0/url")->is_null());
}

TEST_CASE_FIXTURE(World, "repositories show their last look, and no password") {
  dispatcher.sources.push_back(
      {RepositoryName("new"), "git@git.example.org:new.git", 0, "connection refused"});
  start();
  const auto answer = get("/v1/repositories");
  CHECK(answer.body.at_pointer("/repositories/0/url")->as_string() ==
        "https://bot:***@git.example.org/site.git");
  CHECK(answer.body.at_pointer("/repositories/0/age_ms")->as_double() == doctest::Approx(90'000));
  CHECK(answer.body.at_pointer("/repositories/1/last_look")->is_null());
  CHECK(answer.body.at_pointer("/repositories/1/age_ms")->is_null());
  CHECK(answer.body.at_pointer("/repositories/1/error")->as_string() == "connection refused");
  CHECK(answer.text.find("hunter2") == std::string::npos);
}

TEST_CASE_FIXTURE(World, "destinations and their applications show what is the matter with them") {
  const sync::ConditionStatus slow{"it is slow", "hurry", kNoon, {ApplicationName("web")}};
  dispatcher.places[0].conditions = {slow};
  dispatcher.applications[0].conditions = {slow};
  start();
  for (const std::string& at : {std::string("/v1/destinations"), std::string("/v1/applications/web")}) {
    const auto answer = get(at);
    const Value* found = answer.body.at_pointer(at.ends_with("web") ? "/application/conditions/0"
                                                                    : "/destinations/0/conditions/0");
    REQUIRE(found != nullptr);
    CHECK(found->get_string("message") == "it is slow");
    CHECK(found->get_string("hint") == "hurry");
    CHECK(found->get_string("since") == "2026-11-24T12:00:00.000Z");
    CHECK(found->at_pointer("/applications/0")->as_string() == "web");
  }
}

TEST_CASE_FIXTURE(Running, "destinations show their provider") {
  const auto answer = get("/v1/destinations");
  CHECK(answer.body.at_pointer("/destinations/0/name")->as_string() == "web-1");
  CHECK(answer.body.at_pointer("/destinations/0/provider")->as_string() == "host");
  CHECK(answer.body.at_pointer("/destinations/0/connected")->as_bool());
  CHECK(answer.body.at_pointer("/destinations/0/starts")->as_int() == 1);
  CHECK(answer.body.at_pointer("/destinations/0/reachable")->as_bool());
}

TEST_CASE_FIXTURE(Running, "a destination is accepted, as what was looked at, where that is said") {
  const std::string user = get("/v1/version").body.get_string("user");
  CHECK(post("/v1/destinations/web-1/accept", "{\"identity\": \"two\"}").status == 200);
  CHECK(post("/v1/destinations/web-1/accept", "{}").status == 200);
  CHECK(dispatcher.told ==
        std::vector<std::string>{"accept web-1 as two by " + user, "accept web-1 by " + user});
  CHECK(post("/v1/destinations/web-1/accept", "{\"identity\": 2}").status == 400);
  const auto unknown = post("/v1/destinations/web-2/accept", "{}");
  CHECK(unknown.status == 404);
  CHECK(unknown.text.find("did you mean 'web-1'?") != std::string::npos);
}
