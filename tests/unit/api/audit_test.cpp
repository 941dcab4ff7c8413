#include "tests/unit/api/world.h"

using namespace gitopsd;
using namespace gitopsd::api;

TEST_CASE_FIXTURE(World, "the audit record is read page by page, oldest first") {
  for (int i = 1; i <= 5; ++i)
    store.entries.push_back({i, kNoon, R"({"who": "alice", "what": "sync"})", "ab"});
  start();
  const auto first = get("/v1/audit?limit=2");
  REQUIRE(first.status == 200);
  CHECK(first.body.at_pointer("/entries/0/sequence")->as_int() == 1);
  CHECK(first.body.at_pointer("/entries/0/entry/who")->as_string() == "alice");
  CHECK(first.body.at_pointer("/entries/0/hash")->as_string() == "ab");
  CHECK(first.body.get_int("next") == 3);
  const auto last = get("/v1/audit?limit=3&from=3");
  CHECK(last.body.get_array("entries").size() == 3);
  CHECK(last.body.as_object().at("next").is_null());
  CHECK(get("/v1/audit?from=0").status == 400);
  CHECK(get("/v1/audit?limit=1001").status == 400);
}

TEST_CASE_FIXTURE(World, "a damaged entry is shown as it is") {
  store.entries.push_back({1, kNoon, "{\"who\": ", "ab"});
  start();
  CHECK(get("/v1/audit").body.at_pointer("/entries/0/entry/unreadable")->as_string() == "{\"who\": ");
}

TEST_CASE_FIXTURE(World, "verification names the first broken entry") {
  start();
  const auto good = post("/v1/audit/verify");
  CHECK(good.body.get_bool("intact"));
  CHECK(good.body.as_object().at("first_broken").is_null());
  store.broken_at = 17;
  const auto bad = post("/v1/audit/verify");
  CHECK(bad.status == 200);
  CHECK_FALSE(bad.body.get_bool("intact"));
  CHECK(bad.body.get_int("first_broken") == 17);
}

TEST_CASE_FIXTURE(World, "calls that take long hold up neither others nor each other without bound") {
  start();
  store.verify_waits = true;
  std::vector<Client> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(client());
    clients.back().send("POST /v1/audit/verify HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
  }
  CHECK(eventually([&] { return store.verifying >= 2; }));
  CHECK(get("/v1/version").status == 200);
  CHECK(eventually([&] { return post("/v1/audit/verify").status == 503; }));
  store.verify_waits = false;
  store.verify_waits.notify_all();
  for (auto& waiting : clients) CHECK(waiting.read_answer().status == 200);
  for (int i = 0; i < 9; ++i) CHECK(post("/v1/audit/verify").status == 200);
}
