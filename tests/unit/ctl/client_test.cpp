#include "ctl/client.h"

#include <doctest/doctest.h>

#include "tests/unit/ctl/fake_daemon.h"

using namespace gitopsd;
using namespace gitopsd::ctl;
using test::FakeDaemon;
using test::http_answer;
using test::http_stream;
using namespace std::chrono_literals;

TEST_CASE("a question and its answer") {
  FakeDaemon daemon({http_answer(200, R"({"a": 1})"), http_answer(202, R"({"event": 7})")});
  const Client client(daemon.socket());
  CHECK(client.get("/v1/status").get_int("a") == 1);
  CHECK(client.post("/v1/x", Value::object({{"to", "y"}})).get_int("event") == 7);
  const auto requests = daemon.requests();
  REQUIRE(requests.size() == 2);
  CHECK(requests[0].starts_with("GET /v1/status HTTP/1.1\r\n"));
  CHECK(requests[1].starts_with("POST /v1/x HTTP/1.1\r\n"));
  CHECK(requests[1].find("Content-Type: application/json\r\n") != std::string::npos);
  CHECK(requests[1].ends_with("\r\n\r\n{\"to\":\"y\"}"));
}

TEST_CASE("an error of the daemon is told with its status") {
  FakeDaemon daemon({http_answer(404, R"({"error": {"message": "there is no application 'x'"}})")});
  try {
    Client(daemon.socket()).get("/v1/applications/x");
    FAIL("no error");
  } catch (const Refused& refused) {
    CHECK(refused.status() == 404);
    CHECK(refused.answer().at_pointer("/error/message")->as_string() == "there is no application 'x'");
  }
}

TEST_CASE("a daemon that is not there, breaks off or speaks something else") {
  CHECK_THROWS_AS(Client("/nonexistent/socket").get("/"), Unreachable);
  CHECK_THROWS_AS(Client(std::string(200, 'x')).get("/"), Unreachable);
  FakeDaemon daemon({"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", "220 smtp ready\r\n",
                     http_answer(200, "hello"), http_answer(200, "")});
  const Client client(daemon.socket());
  for (int i = 0; i < 4; ++i) CHECK_THROWS_AS(client.get("/"), Unreachable);
}

TEST_CASE("a daemon that says nothing is not waited for longer than asked") {
  FakeDaemon daemon({""});
  CHECK_THROWS_AS(Client(daemon.socket()).post("/", Value::object(), 0s), Unreachable);
}

TEST_CASE("a stream is cut into lines wherever its chunks end") {
  FakeDaemon daemon({http_stream({"{\"n\":1}\n{\"n\":", "2}\n", "{\"n\":3}\n"})});
  std::vector<std::int64_t> seen;
  CHECK(Client(daemon.socket()).lines("/v1/progress", [&](const Value& line) {
    seen.push_back(line.get_int("n"));
    return true;
  }));
  CHECK(seen == std::vector<std::int64_t>{1, 2, 3});
}

TEST_CASE("a stream can be left, refused, cut off, or run out of time") {
  FakeDaemon daemon({http_stream({"{\"n\":1}\n{\"n\":2}\n"}),
                     http_answer(400, R"({"error": {"message": "no"}})"), http_stream({"{\"n\":1}\n"}, false),
                     ""});
  const Client client(daemon.socket());
  int seen = 0;
  CHECK(client.lines("/", [&](const Value&) { return ++seen, false; }));
  CHECK(seen == 1);
  CHECK_THROWS_AS(client.lines("/", [](const Value&) { return true; }), Refused);
  CHECK_THROWS_AS(client.lines("/", [](const Value&) { return true; }), Unreachable);
  CHECK(!client.lines(
      "/", [](const Value&) { return true; }, Monotonic::now() + 20ms));
}

TEST_CASE("targets are percent-encoded") {
  CHECK(percent_encoded("a b/c?ä-._~") == "a%20b%2Fc%3F%C3%A4-._~");
  CHECK(target("/v1/events", {{"state", "failed"}, {"since", ""}, {"repository", "a&b"}}) ==
        "/v1/events?state=failed&repository=a%26b");
  CHECK(target("/v1/events", {{"state", ""}}) == "/v1/events");
}
