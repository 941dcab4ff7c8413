// Start, reload and stop.
#include <doctest/doctest.h>

#include <sys/socket.h>
#include <thread>

#include "harness.h"

using namespace gitopsd;
using namespace gitopsd::server;
using namespace std::chrono_literals;
using Mode = StoreDouble::Mode;

TEST_CASE("A reload counts for the next request of an open connection") {
  Harness harness;
  harness.start();
  Client client = harness.connect();
  const std::string with_new = push_request(push_body(), "d", "", "the-new-secret-of-16");
  client.send(with_new);
  CHECK(client.response().status == 401);
  write_file_atomically(harness.path("new"), "the-new-secret-of-16\n");
  auto config = harness.configuration();
  config->hooks[0].secrets.push_back({.credential = "", .file = harness.path("new"), .environment = ""});
  harness.server->reload(config);
  client.send(with_new);
  CHECK(client.response().status == 202);
  client.send(push_request());
  CHECK(client.response().status == 202);
  config = harness.configuration();
  config->hooks.clear();
  harness.server->reload(config);
  client.send(push_request());
  CHECK(client.response().status == 404);
}

TEST_CASE("A bad reload is refused, with the old configuration in force") {
  Harness harness;
  harness.start();
  const std::vector<std::function<void(config::Config&)>> bad{
      [&](config::Config& c) { c.hooks[0].secrets[0].file = harness.path("missing"); },
      [](config::Config& c) { c.hooks[0].forge = "githob"; },
      [](config::Config& c) { c.server.listen = "127.0.0.1:1"; },
      [](config::Config& c) { c.server.plain_http = true; },
      [&](config::Config& c) { c.server.tls->key = harness.path("missing"); },
      [](config::Config& c) { c.server.tls.reset(); },
  };
  for (const auto& change : bad) {
    auto config = harness.configuration();
    change(*config);
    CHECK_THROWS_AS(harness.server->reload(config), Failure);
    CHECK(harness.post(push_request()).status == 202);
  }
}

TEST_CASE("A stop finishes what is in flight and ends what is idle") {
  Harness harness;
  harness.start();
  const int port = harness.server->port();
  // Enough that each of the server's loops has one: they hear of the stop one after the other.
  std::vector<Client> idle;
  for (int i = 0; i < 8; ++i) {
    idle.push_back(harness.connect());
    idle.back().send(push_request());
    CHECK(idle.back().response().status == 202);
  }
  Client busy = harness.connect(), half = harness.connect();
  harness.store.set_mode(Mode::hold);
  busy.send(push_request());
  harness.store.await_held(1);
  const std::string request = push_request();
  half.send(request.substr(0, request.size() / 2));
  REQUIRE(eventually([&] { return harness.counters().requests == 10; }));
  std::thread stopper([&] { harness.server->stop(harness.clock.monotonic() + 30s); });
  for (Client& client : idle) CHECK(client.closed());
  CHECK(eventually([&] {
    try {
      Client client(port);
      return false;
    } catch (const std::exception&) {
      return true;
    }
  }));
  half.send(request.substr(request.size() / 2));
  harness.store.await_held(2);
  harness.store.release();
  for (Client* client : {&busy, &half}) {
    const auto response = client->response();
    CHECK(response.status == 202);
    CHECK(response.headers.at("connection") == "close");
    CHECK(client->closed());
  }
  stopper.join();
  CHECK(harness.counters().connections == 0);
}

TEST_CASE("A stop cuts off at its deadline what does not finish") {
  Harness harness;
  harness.start();
  Client half = harness.connect();
  half.send("POST /hooks/demo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc");
  REQUIRE(eventually([&] { return harness.counters().requests == 1; }));
  const auto before = Monotonic::now();
  harness.server->stop(harness.clock.monotonic() + 200ms);
  CHECK(Monotonic::now() - before < 20s);
  CHECK(Monotonic::now() - before >= 200ms);
  CHECK(half.closed());
  CHECK(harness.counters().connections == 0);
}

TEST_CASE("A server that has stopped can follow at once on the same port") {
  Harness first;
  first.start();
  const int port = first.server->port();
  Client left_open = first.connect();
  first.server.reset();
  Harness second([&](config::Config& config) { config.server.listen = "127.0.0.1:" + std::to_string(port); });
  second.start();
  CHECK(second.server->port() == port);
  CHECK(second.post(push_request()).status == 202);
}

TEST_CASE("An inherited socket is used") {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(::listen(listener, 8) == 0);
  Harness harness([](config::Config& config) { config.server.listen = "systemd"; });
  harness.start(listener);
  CHECK(harness.server->port() > 0);
  CHECK(harness.post(push_request()).status == 202);
}

TEST_CASE("A start that cannot listen names the address and the way out") {
  Harness running;
  running.start();
  const std::string taken = "127.0.0.1:" + std::to_string(running.server->port());
  for (const std::string& address :
       {taken, std::string("192.0.2.1:80"), std::string("localhost:80"), std::string("127.0.0.1"),
        std::string("127.0.0.1:99999"), std::string("systemd")}) {
    Harness harness([&](config::Config& config) { config.server.listen = address; });
    try {
      harness.start();
      FAIL("it started on " << address);
    } catch (const Failure& failure) {
      CHECK(std::string(failure.what()).find(address) != std::string::npos);
    }
  }
}

TEST_CASE("The loop's age is small while it runs") {
  Harness harness;
  harness.start();
  CHECK(eventually([&] { return harness.server->loop_age_ms() < 1500; }));
  CHECK(harness.post(push_request()).status == 202);
  CHECK(eventually([&] { return harness.server->loop_age_ms() < 1500; }));
}
