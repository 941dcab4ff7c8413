#include "tests/unit/api/world.h"

using namespace gitopsd;
using namespace gitopsd::api;

namespace {

std::string hint(const Answer& answer) {
  return answer.body.at_pointer("/error/hint")->as_string();
}
std::string message(const Answer& answer) {
  return answer.body.at_pointer("/error/message")->as_string();
}

}  // namespace

TEST_CASE_FIXTURE(Running, "an unknown path is 404 and names the nearest one") {
  const auto answer = get("/v1/evnts");
  CHECK(answer.status == 404);
  CHECK(message(answer) == "there is no path '/v1/evnts'");
  CHECK(hint(answer) == "did you mean '/v1/events'?");
  CHECK(hint(get("/v1/aplications/web/syncs")) == "did you mean '/v1/applications/web/syncs'?");
  CHECK(hint(get("/v1/status/")) == "did you mean '/v1/status'?");
}

TEST_CASE_FIXTURE(Running, "a path far from all others gets no hint") {
  const auto answer = get("/favicon-of-the-whole-wide-world.ico");
  CHECK(answer.status == 404);
  CHECK(answer.body.at_pointer("/error/hint")->is_null());
  CHECK(answer.body.at_pointer("/error/cause")->as_string() == "input");
}

TEST_CASE_FIXTURE(Running, "a wrong method is 405 and says which ones are right") {
  const auto answer = post("/v1/status");
  CHECK(answer.status == 405);
  CHECK(answer.headers.at("allow") == "GET");
  const auto other = get("/v1/applications/web/sync");
  CHECK(other.status == 405);
  CHECK(other.headers.at("allow") == "POST");
  CHECK(dispatcher.told.empty());
}

TEST_CASE_FIXTURE(Running, "unknown query keys are refused with a suggestion") {
  const auto answer = get("/v1/events?stat=failed");
  CHECK(answer.status == 400);
  CHECK(message(answer) == "unknown query key 'stat'");
  CHECK(hint(answer) == "did you mean 'state'?");
}

TEST_CASE_FIXTURE(Running, "unknown body keys are refused, and nothing happens") {
  const auto answer = post("/v1/applications/web/rollback", R"({"too": "x"})");
  CHECK(answer.status == 400);
  CHECK(hint(answer) == "did you mean 'to'?");
  CHECK(dispatcher.told.empty());
}

TEST_CASE_FIXTURE(Running, "bodies that are no JSON objects are refused") {
  for (const std::string bad :
       {"{", "[]", "1", "null", "\"x\"", "{\"to\": 1}", "{\"to\": \"a\", \"to\": \"b\"}", "\xff"}) {
    CAPTURE(bad);
    CHECK(post("/v1/applications/web/rollback", bad).status == 400);
  }
  CHECK(dispatcher.told.empty());
}

TEST_CASE_FIXTURE(Running, "a body of another type is refused") {
  const auto answer = client().post("/v1/applications/web/sync", "{}", "application/x-www-form-urlencoded");
  CHECK(answer.status == 400);
  CHECK(dispatcher.told.empty());
}

TEST_CASE_FIXTURE(Running, "arguments of a POST do not travel in the query") {
  CHECK(post("/v1/applications/web/rollback?to=" + std::string(40, 'a')).status == 400);
  CHECK(dispatcher.told.empty());
}

TEST_CASE_FIXTURE(Running, "many requests go over one connection") {
  Client one = client();
  for (int i = 0; i < 50; ++i) {
    const auto answer = one.get("/v1/version");
    REQUIRE(answer.status == 200);
    CHECK(answer.headers.at("cache-control") == "no-store");
  }
}

TEST_CASE_FIXTURE(Running, "version says who asks") {
  const auto answer = get("/v1/version");
  CHECK(answer.body.get_string("version") == GITOPSD_VERSION);
  CHECK(answer.body.get_int("api") == 1);
  CHECK(answer.body.get_int("pid") == getpid());
  CHECK(answer.body.get_string("started") == "2026-11-24T12:00:00.000Z");
  CHECK_FALSE(answer.body.get_string("user").empty());
}
