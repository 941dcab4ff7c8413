// Every limit on what comes from the network.
#include <doctest/doctest.h>

#include "harness.h"

using namespace gitopsd;
using namespace gitopsd::server;
using namespace std::chrono_literals;

TEST_CASE("Requests may come in any pieces, and several at once") {
  Harness harness;
  harness.start();
  Client client = harness.connect();
  const std::string request = push_request();
  for (const char byte : request) client.send({&byte, 1});
  CHECK(client.response().status == 202);
  const std::string three =
      push_request() + push_request(push_body("refs/heads/main", 50'000)) + push_request();
  for (const std::size_t cut :
       {std::size_t{1}, request.size() - 1, request.size() + 1, request.size() + 17'000, three.size() - 5}) {
    client.send(three.substr(0, cut));
    client.send(three.substr(cut));
    for (int i = 0; i < 3; ++i) CHECK(client.response().status == 202);
  }
}

TEST_CASE("Bodies up to the limit are taken, and their memory given back") {
  Harness harness([](config::Config& config) { config.server.limits.unproven_body_bytes = 32u << 20; });
  harness.start();
  Client client = harness.connect();
  const std::size_t overhead = push_body().size();
  for (int i = 0; i < 3; ++i) {
    client.send(push_request(push_body("refs/heads/main", (25u << 20) - overhead)));
    CHECK(client.response().status == 202);
  }
  client.send(push_request(push_body("refs/heads/main", (25u << 20) - overhead + 1)));
  CHECK(client.response().status == 413);
}

TEST_CASE("Unproven bodies share one budget, beyond which is 503") {
  // Both bodies begin with half a megabyte each, and one of them can grow to its whole size.
  Harness harness([](config::Config& config) { config.server.limits.unproven_body_bytes = 1'250'000; });
  harness.start();
  const std::string request = push_request(push_body("refs/heads/main", 700'000));
  Client first = harness.connect(), second = harness.connect();
  first.send(request.substr(0, 600'000));
  second.send(request.substr(0, 600'000));
  // Which of the two is served by whichever loop first is nobody's to say.
  REQUIRE(eventually([&] { return first.readable() || second.readable(); }));
  Client& refused = first.readable() ? first : second;
  Client& held = &refused == &first ? second : first;
  const auto answer = refused.response();
  CHECK(answer.status == 503);
  CHECK(answer.headers.at("retry-after") == "1");
  CHECK(refused.closed());
  CHECK(harness.post(push_request()).status == 202);
  held.send(request.substr(600'000));
  CHECK(held.response().status == 202);
  CHECK(harness.post(request).status == 202);
}

TEST_CASE("A slow header block is 408, silence just ends") {
  Harness harness;
  harness.start();
  Client slow = harness.connect(), silent = harness.connect();
  slow.send("POST /hooks/demo HTTP/1.1\r\nHost:");
  ClientOptions no_handshake;
  no_handshake.handshake = false;
  Client mute = harness.connect(no_handshake);
  Client kept = harness.connect();
  kept.send(push_request());
  CHECK(kept.response().status == 202);
  REQUIRE(eventually([&] { return harness.counters().connections == 4; }));
  harness.clock.advance(9s);
  slow.send("x\r\n");
  harness.clock.advance(2s);
  CHECK(slow.response().status == 408);
  CHECK(slow.closed());
  CHECK(silent.closed());
  CHECK(mute.closed());
  CHECK(eventually([&] { return harness.counters().handshake_failures == 1; }));
  // The kept one has its idle time, not the header's.
  kept.send(push_request());
  CHECK(kept.response().status == 202);
  CHECK(eventually([&] {
    harness.clock.advance(76s);
    return harness.counters().connections == 0;
  }));
  CHECK(kept.closed());
  CHECK(harness.server->refused().size() == 1);
}

TEST_CASE("A later request's header block has a deadline of its own") {
  Harness harness;
  harness.start();
  Client client = harness.connect();
  client.send(push_request() + "POST /hooks/demo HTTP/1.1\r\n");
  CHECK(client.response().status == 202);
  // More than once, since the first may come before the server has begun to wait; idle time would take seven.
  for (int i = 0; i < 6 && !client.readable(500); ++i) harness.clock.advance(11s);
  REQUIRE(client.readable(10'000));
  CHECK(client.response().status == 408);
  CHECK(harness.counters().requests == 1);
}

TEST_CASE("A body must come at the minimum rate after its grace") {
  Harness harness([](config::Config& config) { config.server.limits.body_rate = 1000; });
  harness.start();
  const std::string request = push_request(push_body("refs/heads/main", 100'000));
  Client client = harness.connect();
  client.send(request.substr(0, 10'000));
  // 10,000 bytes earn ten seconds on top of the five.
  REQUIRE(eventually([&] { return harness.counters().requests == 1; }));
  harness.clock.advance(13s);
  client.send(request.substr(10'000, 10'000));
  REQUIRE(eventually([&] { return !client.readable(); }));
  harness.clock.advance(13s);
  CHECK(client.response().status == 408);
  CHECK(client.closed());
  CHECK(harness.store.deliveries().empty());
}

TEST_CASE("Expect: 100-continue is answered when the body is wanted") {
  Harness harness;
  harness.start();
  const std::string request = push_request(push_body(), "d", "Expect: 100-continue\r\n");
  const auto head = request.find("\r\n\r\n") + 4;
  Client client = harness.connect();
  client.send(request.substr(0, head));
  CHECK(client.response().status == 100);
  client.send(request.substr(head));
  CHECK(client.response().status == 202);
  client.send(
      "POST /hooks/demo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n");
  CHECK(client.response().status == 413);
}

TEST_CASE("Wrong proofs of one address are limited, and the limit passes") {
  Harness harness([](config::Config& config) { config.server.limits.failed_proofs_per_minute = 3; });
  harness.start();
  const std::string forged = push_request(push_body(), "d", "", "another-secret-altogether");
  for (int i = 0; i < 3; ++i) CHECK(harness.post(forged).status == 401);
  const auto limited = harness.post(push_request());
  CHECK(limited.status == 429);
  CHECK(std::stoi(limited.headers.at("retry-after")) <= 20);
  CHECK(std::stoi(limited.headers.at("retry-after")) >= 1);
  CHECK(harness.post(forged).status == 429);
  harness.clock.advance(21s);
  CHECK(harness.post(push_request()).status == 202);
  CHECK(harness.post(forged).status == 401);
  CHECK(harness.post(push_request()).status == 429);
}

TEST_CASE("An unknown repository is no wrong proof") {
  Harness harness([](config::Config& config) { config.server.limits.failed_proofs_per_minute = 2; });
  harness.start();
  for (int i = 0; i < 5; ++i)
    CHECK(harness.post(push_request(push_body("refs/heads/main", 0, "octo/other"))).status == 401);
  CHECK(harness.post(push_request()).status == 202);
}

TEST_CASE("Connections are limited in all and per address") {
  Harness harness([](config::Config& config) {
    config.server.listen = "[::]:0";
    config.server.limits.connections = 4;
    config.server.limits.connections_per_address = 3;
  });
  harness.start();
  {
    Client a = harness.connect(), b = harness.connect(), c = harness.connect();
    CHECK_THROWS(harness.connect());
    ClientOptions v6;
    v6.host = "::1";
    Client d = harness.connect(v6);
    CHECK_THROWS(harness.connect(v6));
    CHECK(harness.counters().rejected_limits == 2);
    for (Client* client : {&a, &b, &c, &d}) {
      client->send(push_request());
      CHECK(client->response().status == 202);
    }
  }
  REQUIRE(eventually([&] { return harness.counters().connections == 0; }));
  CHECK(harness.post(push_request()).status == 202);
}

TEST_CASE("Only a trusted proxy says who the caller is") {
  const auto address_of = [](const std::string& trusted, const std::string& fields) {
    Harness harness([&](config::Config& config) {
      config.server.plain_http = true;
      config.server.tls.reset();
      if (!trusted.empty()) config.server.trusted_proxies = {trusted};
    });
    harness.start();
    CHECK(harness.post(push_request(push_body(), "d", fields, "another-secret-altogether")).status == 401);
    return harness.server->refused().at(0).address;
  };
  CHECK(address_of("", "X-Forwarded-For: 192.0.2.1\r\n") == "127.0.0.1");
  CHECK(address_of("10.0.0.0/8", "X-Forwarded-For: 192.0.2.1\r\n") == "127.0.0.1");
  CHECK(address_of("127.0.0.0/8", "X-Forwarded-For: 192.0.2.1\r\n") == "192.0.2.1");
  CHECK(address_of("127.0.0.1", "X-Forwarded-For: 203.0.113.9, 192.0.2.1, 127.0.0.1\r\n") == "192.0.2.1");
  CHECK(address_of("127.0.0.1", "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: [2001:db8::1]:99\r\n") ==
        "2001:db8::1");
  CHECK(address_of("127.0.0.1", "X-Forwarded-For: nonsense\r\n") == "127.0.0.1");
  CHECK(address_of("127.0.0.1", "") == "127.0.0.1");
}
