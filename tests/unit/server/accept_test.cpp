// What is accepted, and when it is answered.
#include <doctest/doctest.h>

#include <thread>

#include "base/json.h"
#include "harness.h"

using namespace gitopsd;
using namespace gitopsd::server;
using Mode = StoreDouble::Mode;

TEST_CASE("A signed push is stored, answered 202 and handed on") {
  Harness harness;
  harness.start();
  const Response response = harness.post(push_request());
  CHECK(response.status == 202);
  CHECK(response.headers.at("content-type") == "application/json");
  const Value body = parse_json(response.body);
  CHECK(body.find("event")->as_int() == 1);
  CHECK(body.find("link")->as_string() == "/v1/events/1");
  REQUIRE(harness.store.deliveries().size() == 1);
  const store::Delivery delivery = harness.store.deliveries()[0];
  CHECK(delivery.hook.str() == "demo");
  CHECK(delivery.id.str() == "d-1");
  CHECK(delivery.received > 0);
  REQUIRE(delivery.events.size() == 1);
  CHECK(delivery.events[0].repository.str() == "hello");
  CHECK(delivery.events[0].ref.str() == "refs/heads/main");
  CHECK(delivery.events[0].after.str() == kAfter);
  CHECK(delivery.events[0].body_signed);
  CHECK(delivery.events[0].actor == "mona");
  CHECK(harness.accepted() == std::vector<EventId>{EventId{1}});
  CHECK(harness.counters().accepted == 1);
  CHECK(harness.server->refused().empty());
}

TEST_CASE("Nothing is answered before the store has the delivery") {
  Harness harness;
  harness.start();
  harness.store.set_mode(Mode::hold);
  Client client = harness.connect();
  client.send(push_request());
  harness.store.await_held(1);
  CHECK_FALSE(client.readable());
  CHECK(harness.accepted().empty());
  harness.store.release();
  CHECK(client.response().status == 202);
}

TEST_CASE("Only allow-listed headers reach the store") {
  Harness harness;
  harness.start();
  CHECK(harness
            .post(push_request(
                push_body(), "d-1",
                "X-Hub-Signature: sha1=00\r\nAuthorization: Bearer topsecret\r\nCookie: a=topsecret\r\n"
                "X-Webhook-Secret: topsecret\r\nX-GitHub-Hook-ID: 12\r\nX-Gitea-Event: p\"u\xfc\r\n"))
            .status == 202);
  const std::string headers = harness.store.deliveries().at(0).headers;
  const Value kept = parse_json(headers);
  CHECK(kept.as_object().size() == 6);
  CHECK(kept.find("user-agent")->as_string() == "GitHub-Hookshot/044aadd");
  CHECK(kept.find("x-github-hook-id")->as_string() == "12");
  CHECK(kept.find("x-gitea-event")->as_string() == "p\"u\xc3\xbc");
  CHECK(headers.find("topsecret") == std::string::npos);
  CHECK(headers.find("sha") == std::string::npos);
}

TEST_CASE("A stored duplicate is 200, a queued redelivery 202, a store that cannot is 503") {
  Harness harness;
  harness.start();
  Client client = harness.connect();
  harness.store.set_mode(Mode::duplicate);
  client.send(push_request());
  const auto duplicate = client.response();
  CHECK(duplicate.status == 200);
  CHECK(duplicate.body.find("stored already") != std::string::npos);
  CHECK(harness.accepted().empty());
  harness.store.set_mode(Mode::requeue);
  client.send(push_request());
  CHECK(client.response().status == 202);
  CHECK(harness.accepted().size() == 1);
  harness.store.set_mode(Mode::fail);
  client.send(push_request());
  const auto failed = client.response();
  CHECK(failed.status == 503);
  CHECK(failed.headers.at("retry-after") == "10");
  CHECK(failed.body.find("disk") == std::string::npos);
  CHECK(harness.accepted().size() == 1);
  REQUIRE(harness.server->refused().size() == 1);
  CHECK(harness.server->refused()[0].reason.find("disk is full") != std::string::npos);
  CHECK(harness.counters().store_errors == 1);
  harness.store.set_mode(Mode::answer);
  client.send(push_request());
  CHECK(client.response().status == 202);
}

TEST_CASE("Refs are compared whole, tag patterns by their beginning") {
  Harness harness([](config::Config& config) {
    config::Application tags = config.applications[0];
    tags.name = ApplicationName("tags");
    tags.ref = "refs/tags/v*";
    config.applications.push_back(tags);
  });
  harness.start();
  Client client = harness.connect();
  const auto status = [&](const std::string& ref) {
    client.send(push_request(push_body(ref)));
    return client.response().status;
  };
  CHECK(status("refs/heads/main") == 202);
  CHECK(status("refs/tags/v1.2") == 202);
  for (const char* ref :
       {"refs/heads/mai", "refs/heads/main2", "refs/heads/main/x", "refs/heads/Main", "refs/tags/main",
        "refs/tags/1.2", "refs/heads/v1", "refs/heads/x/refs/heads/main"}) {
    CAPTURE(ref);
    client.send(push_request(push_body(ref)));
    const auto response = client.response();
    CHECK(response.status == 200);
    CHECK(response.body.find(ref) != std::string::npos);
  }
  CHECK(harness.store.deliveries().size() == 2);
  CHECK(harness.counters().ignored == 8);
}

TEST_CASE("A delivery that moves several refs stores those that are followed, together") {
  Harness harness([](config::Config& config) {
    config.hooks[0].forge = "gitlab";
    config::Application other = config.applications[0];
    other.ref = "refs/tags/*";
    config.applications.push_back(other);
  });
  harness.start();
  const auto change = [](const std::string& ref) {
    return R"({"before":")" + std::string(40, '0') + R"(","after":")" + kAfter + R"(","ref":")" + ref + "\"}";
  };
  const std::string body =
      R"({"event_name":"repository_update","changes":[)" + change("refs/heads/main") + "," +
      change("refs/heads/other") + "," + change("refs/tags/v1") +
      R"(],"project":{"path_with_namespace":"octo/hello","web_url":"https://github.com/octo/hello"}})";
  const auto response = harness.post(
      "POST /hooks/demo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
      "X-Gitlab-Event: System Hook\r\nIdempotency-Key: k\r\nX-Gitlab-Token: " +
      kSecret + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  CHECK(response.status == 202);
  CHECK(parse_json(response.body).find("events")->as_array().size() == 2);
  REQUIRE(harness.store.deliveries().size() == 1);
  const auto delivery = harness.store.deliveries()[0];
  REQUIRE(delivery.events.size() == 2);
  CHECK(delivery.events[1].ref.str() == "refs/tags/v1");
  CHECK_FALSE(delivery.events[0].body_signed);
  CHECK(delivery.headers.find(kSecret) == std::string::npos);
}

TEST_CASE("Many connections at once are all answered, each its own") {
  Harness harness;
  harness.start();
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 16; ++t)
    threads.emplace_back([&, t] {
      Client client = harness.connect();
      for (int i = 0; i < 25; ++i) {
        client.send(push_request(push_body("refs/heads/main", static_cast<std::size_t>(i) * 997),
                                 "d-" + std::to_string(t) + "-" + std::to_string(i)));
        right += client.response().status == 202;
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(right == 400);
  CHECK(harness.store.deliveries().size() == 400);
  CHECK(harness.accepted().size() == 400);
  CHECK(eventually([&] { return harness.counters().connections == 0; }));
}

TEST_CASE("A caller that hangs up while its delivery is stored harms nothing") {
  Harness harness;
  harness.start();
  harness.store.set_mode(Mode::hold);
  {
    Client client = harness.connect();
    client.send(push_request());
    harness.store.await_held(1);
  }
  harness.store.release();
  CHECK(eventually([&] { return harness.counters().connections == 0; }));
  CHECK(harness.post(push_request()).status == 202);
  CHECK(harness.store.deliveries().size() == 2);
}
