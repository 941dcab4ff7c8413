// What is refused, and what the caller and the operator learn.
#include <doctest/doctest.h>

#include "base/hash.h"
#include "harness.h"

using namespace gitopsd;
using namespace gitopsd::server;

namespace {

std::string request(const std::string& line, const std::string& fields = "", const std::string& body = "") {
  return line + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n" + body;
}

}  // namespace

TEST_CASE("Every 401 is the same to the byte") {
  Harness harness;
  harness.start();
  const auto with = [&](const std::string& text) { return harness.post(text); };
  std::string unsigned_request = push_request();
  unsigned_request.erase(unsigned_request.find("X-Hub-Signature-256"), 21 + 7 + 64 + 2);
  const auto missing = with(unsigned_request);
  CHECK(missing.status == 401);
  const auto wrong = with(push_request(push_body(), "d", "", "another-secret-altogether"));
  const auto other_repository = with(push_request(push_body("refs/heads/main", 0, "octo/other")));
  const auto doubled =
      with(push_request(push_body(), "d", "X-Hub-Signature-256: sha256=" + std::string(64, '0') + "\r\n"));
  CHECK(wrong.raw == missing.raw);
  CHECK(other_repository.raw == missing.raw);
  CHECK(doubled.raw == missing.raw);
  CHECK(harness.store.deliveries().empty());
  CHECK(harness.counters().unauthenticated == 4);
  const auto refused = harness.server->refused();
  REQUIRE(refused.size() == 4);
  CHECK(refused[0].hook == "demo");
  CHECK(refused[0].address == "127.0.0.1");
  CHECK(refused[0].status == 401);
  CHECK(refused[0].reason.find("no X-Hub-Signature-256") != std::string::npos);
  CHECK(refused[1].reason.find("does not match") != std::string::npos);
  CHECK(refused[2].reason.find("octo/other") != std::string::npos);
}

TEST_CASE("The payload's repository must be one of the hook's own, by name and URL whole") {
  Harness harness([](config::Config& config) {
    config::Repository other = config.repositories[0];
    other.name = RepositoryName("other");
    other.url = "https://github.com/octo/other.git";
    config.repositories.push_back(other);
    config::Application application = config.applications[0];
    application.repository = other.name;
    config.applications.push_back(application);
  });
  harness.start();
  for (const char* repository : {"octo/other", "octo/hell", "octo/hello2", "x/octo/hello", "octo/hello/x"}) {
    CAPTURE(repository);
    CHECK(harness.post(push_request(push_body("refs/heads/main", 0, repository))).status == 401);
  }
  CHECK(harness.post(push_request()).status == 202);
}

TEST_CASE("Paths, methods and framing have their own answers") {
  Harness harness;
  harness.start();
  const struct {
    std::string text;
    int status;
  } cases[] = {
      {request("GET /"), 404},
      {request("POST /hooks/other", "Content-Length: 0\r\n"), 404},
      {request("POST /hooks/", "Content-Length: 0\r\n"), 404},
      {request("POST /hooks/demo/", "Content-Length: 0\r\n"), 404},
      {request("POST /hooks/Demo", "Content-Length: 0\r\n"), 404},
      {request("POST /hooks/../hooks/demo", "Content-Length: 0\r\n"), 404},
      {request("POST http://x/hooks/demo", "Content-Length: 0\r\n"), 404},
      {request("GET /hooks/demo"), 405},
      {request("PUT /hooks/demo", "Content-Length: 0\r\n"), 405},
      {request("POST /hooks/demo"), 411},
      {request("POST /hooks/demo", "Transfer-Encoding: chunked\r\n", "0\r\n\r\n"), 411},
      {request("POST /hooks/demo", "Content-Length: 26214401\r\n"), 413},
      {request("POST /hooks/demo", "Content-Length: 18446744073709551615\r\n"), 413},
      {request("POST /hooks/demo", "Content-Length: 99999999999999999999999\r\n"), 400},
      {request("POST /hooks/demo", "Content-Length: -1\r\n"), 400},
      {request("POST /hooks/demo", "Content-Length: 1\r\nContent-Length: 2\r\n"), 400},
      {request("POST /hooks/demo", "Content-Length: 0\r\nContent-Length: 0\r\n"), 400},
      {request("POST /hooks/demo", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 400},
      {request("POST /hooks/demo", "Host: y\r\nContent-Length: 0\r\n"), 400},
      {request("POST /hooks/demo", "X-A: b\r\n folded\r\nContent-Length: 0\r\n"), 400},
      {request("POST /hooks/demo", "X A: b\r\n"), 400},
      {request("POST /hooks/demo", "X-A : b\r\n"), 400},
      {request("POST /hooks/demo", std::string("X-A: \0\r\n", 8)), 400},
      {"POST /hooks/demo HTTP/2.0\r\n\r\n", 400},
      {"POST  /hooks/demo HTTP/1.1\r\n\r\n", 400},
      {"\r\n\r\n", 400},
      {std::string("\0\0\0\0\r\n\r\n", 8), 400},
      {request("POST /hooks/demo", "X-Long: " + std::string(17000, 'x') + "\r\nContent-Length: 0\r\n"), 431},
      {std::string(20000, 'A'), 431},
      {request("POST /hooks/demo?x=y", "Content-Length: 0\r\n"), 401},
      {request("POST /hooks/demo", "Content-Length: 2\r\n", "{}"), 401},
  };
  for (const auto& one : cases) {
    CAPTURE(one.text.substr(0, 100));
    CHECK(harness.post(one.text).status == one.status);
  }
  CHECK(harness.post(request("GET /hooks/demo")).headers.at("allow") == "POST");
  CHECK(harness.post(push_request()).status == 202);
}

TEST_CASE("A proven body that is no push is 400 or 415 with its reason, anything authentic but idle 200") {
  Harness harness;
  harness.start();
  Client client = harness.connect();
  const auto send = [&](std::string text) {
    client.send(text);
    return client.response();
  };
  const auto replaced = [](std::string text, const std::string& from, const std::string& to) {
    return text.replace(text.find(from), from.size(), to);
  };
  const auto malformed = send(push_request("{\"ref\":7}"));
  CHECK(malformed.status == 400);
  CHECK(malformed.body.find("`ref`") != std::string::npos);
  CHECK(send(push_request("not json")).status == 400);
  CHECK(send(push_request(std::string(100000, '['))).status == 400);
  CHECK(send(replaced(push_request(), "application/json", "text/plain")).status == 415);
  const auto ping = send(replaced(push_request("{}"), "Event: push", "Event: ping"));
  CHECK(ping.status == 200);
  CHECK(ping.body == "{\"ignored\":\"ping\"}\n");
  CHECK(send(replaced(push_request("{}"), "Event: push", "Event: \"star\"")).body.find("\\\"star\\\"") !=
        std::string::npos);
  CHECK(harness.counters().malformed == 4);
  CHECK(harness.counters().ignored == 2);
  CHECK(harness.server->refused().size() == 4);
  CHECK(harness.store.deliveries().empty());
}

TEST_CASE("A refusal before the body ends the connection, after it does not") {
  Harness harness;
  harness.start();
  Client client = harness.connect();
  client.send(request("POST /nowhere", "Content-Length: 2\r\n", "{}") + request("GET /hooks/demo") +
              push_request());
  CHECK(client.response().status == 404);
  CHECK(client.response().status == 405);
  CHECK(client.response().status == 202);
  client.send(request("POST /hooks/demo", "Content-Length: 99999999\r\n"));
  const auto too_large = client.response();
  CHECK(too_large.status == 413);
  CHECK(too_large.headers.at("connection") == "close");
  CHECK(client.closed());
}

TEST_CASE("The answer outlives a body that nobody reads") {
  Harness harness([](config::Config& config) { config.server.limits.body_bytes = 1000; });
  harness.start();
  Client client = harness.connect();
  client.send(request("POST /hooks/demo", "Content-Length: 3000000\r\n", std::string(3'000'000, 'x')));
  CHECK(client.response().status == 413);
}

TEST_CASE("HEAD has no body, HTTP/1.0 and Connection: close end the connection") {
  Harness harness;
  harness.start();
  Client head = harness.connect();
  head.send("HEAD /hooks/demo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK_THROWS(head.response());  // Content-Length says what GET would have sent
  CHECK(head.closed() == false);  // the header block itself did arrive
  Client old = harness.connect();
  old.send("POST /nowhere HTTP/1.0\r\nContent-Length: 0\r\n\r\n");
  CHECK(old.response().headers.at("connection") == "close");
  CHECK(old.closed());
  Client once = harness.connect();
  once.send(push_request(push_body(), "d", "Connection: close\r\n"));
  CHECK(once.response().status == 202);
  CHECK(once.closed());
}

TEST_CASE("The ring of refusals keeps the last 256, printable") {
  Harness harness;
  harness.start();
  Client client = harness.connect();
  for (int i = 0; i < 300; ++i) {
    client.send(request("POST /hooks/n" + std::to_string(i), "Content-Length: 0\r\n"));
    client.response();
  }
  const auto refused = harness.server->refused();
  REQUIRE(refused.size() == 256);
  CHECK(refused.front().hook == "n44");
  CHECK(refused.back().hook == "n299");
  client.send(request("POST /hooks/\xff" + std::string(100, 'x'), "Content-Length: 0\r\n"));
  client.response();
  CHECK(harness.server->refused().back().hook == "?" + std::string(63, 'x'));
}
