// Connections that misbehave, the socket's place, and the end.
#include <sys/socket.h>
#include <sys/un.h>

#include <fstream>
#include <thread>

#include "tests/unit/api/world.h"

using namespace gitopsd;
using namespace gitopsd::api;
using namespace std::chrono_literals;

namespace {

struct Hurried : World {
  Hurried() { start_with(100ms); }
  void start_with(std::chrono::milliseconds time) {
    auto snapshot = std::make_shared<const config::Config>(config);
    Environment environment;
    environment.config = [snapshot] { return snapshot; };
    environment.store = &store;
    environment.dispatcher = &dispatcher;
    environment.server = &server;
    environment.clock = &clock;
    environment.request_time = time;
    api = make_api(environment);
    api->start();
  }
};

mode_t mode_of(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

}  // namespace

TEST_CASE_FIXTURE(Hurried, "a client that stops in the middle of a request is answered 408 and cut off") {
  for (const std::string part : {"G", "GET /v1/version HTTP/1.1\r\nHost: x\r\n",
                                 "POST /v1/replay HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n{"}) {
    CAPTURE(part);
    Client stuck = client();
    stuck.send(part);
    CHECK(stuck.read_answer().status == 408);
    CHECK(stuck.closed());
  }
}

TEST_CASE_FIXTURE(Running, "stuck clients do not hold up others") {
  std::vector<Client> stuck;
  for (int i = 0; i < 20; ++i) {
    stuck.push_back(client());
    stuck.back().send("GET /v1/version HTTP/1.1\r\n");
  }
  CHECK(get("/v1/version").status == 200);
}

TEST_CASE_FIXTURE(Running, "what is no HTTP gets 400") {
  for (const std::string bytes :
       {"\x16\x03\x01\x02\x01\x01 hello\r\n\r\n", "{\"jsonrpc\": \"2.0\"}\r\n\r\n",
        "GET /v1/version HTTP/9.9\r\n\r\n", "GET /v1/version HTTP/1.1\r\nbroken\r\n\r\n"}) {
    CAPTURE(bytes);
    Client odd = client();
    odd.send(bytes);
    CHECK(odd.read_answer().status == 400);
    CHECK(odd.closed());
  }
}

TEST_CASE_FIXTURE(Running, "headers and bodies are bounded") {
  Client chatty = client();
  chatty.send("GET /v1/version HTTP/1.1\r\nHost: x\r\nX-Long: " + std::string(20'000, 'a') + "\r\n\r\n");
  CHECK(chatty.read_answer().status == 431);
  Client fat = client();
  fat.send("POST /v1/replay HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n");
  CHECK(fat.read_answer().status == 413);
  CHECK(fat.closed());
}

TEST_CASE_FIXTURE(Running, "connections beyond the limit are turned away, and come back when others leave") {
  {
    std::vector<Client> many;
    for (int i = 0; i < 128; ++i) {
      many.push_back(client());
      REQUIRE(many.back().get("/v1/version").status == 200);
    }
    Client late = client();
    CHECK(late.read_answer().status == 503);
    CHECK(late.closed());
  }
  CHECK(eventually([&] {
    Client again = client();
    try {
      return again.get("/v1/version").status == 200;
    } catch (const std::exception&) {
      return false;
    }
  }));
}

TEST_CASE_FIXTURE(Running, "the socket has mode 0660 in a folder of mode 0750") {
  CHECK(mode_of(config.api.socket) == 0660);
  CHECK(mode_of(folder + "/run") == 0750);
}

TEST_CASE_FIXTURE(Running, "a second daemon does not take a socket that somebody answers on") {
  auto snapshot = std::make_shared<config::Config>(config);
  snapshot->metrics.listen.clear();
  Environment environment;
  environment.config = [snapshot] { return config::Snapshot(snapshot); };
  environment.store = &store;
  environment.dispatcher = &dispatcher;
  environment.server = &server;
  const auto second = make_api(environment);
  CHECK_THROWS_WITH_AS(second->start(), doctest::Contains("another daemon answers"), Failure);
  CHECK(get("/v1/version").status == 200);
}

TEST_CASE_FIXTURE(World, "a socket that a dead daemon left is replaced") {
  std::filesystem::create_directory(folder + "/run");
  const Fd dead(socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  config.api.socket.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(bind(dead.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  start();
  CHECK(get("/v1/version").status == 200);
}

TEST_CASE_FIXTURE(World, "what is no socket is not replaced") {
  std::filesystem::create_directory(folder + "/run");
  std::ofstream(config.api.socket) << "precious";
  CHECK_THROWS_WITH_AS(start(), doctest::Contains("something else has that name"), Failure);
  api.reset();
  CHECK(std::filesystem::file_size(config.api.socket) == 8);
}

TEST_CASE_FIXTURE(World, "a folder that everybody may write to is refused") {
  std::filesystem::create_directory(folder + "/run");
  chmod((folder + "/run").c_str(), 0777);
  CHECK_THROWS_WITH_AS(start(), doctest::Contains("everybody may write"), Failure);
}

TEST_CASE_FIXTURE(World, "bad addresses are refused by name") {
  config.metrics.listen = "localhost";
  CHECK_THROWS_WITH_AS(start(), doctest::Contains("metrics.listen is 'localhost'"), Failure);
  config.metrics.listen.clear();
  config.api.socket = "relative.sock";
  CHECK_THROWS_WITH_AS(start(), doctest::Contains("api.socket"), Failure);
  config.api.socket = "/tmp/" + std::string(110, 'x');
  CHECK_THROWS_WITH_AS(start(), doctest::Contains("107 bytes"), Failure);
}

TEST_CASE_FIXTURE(Running, "a stop ends idle connections at once and removes the socket") {
  Client idle = client();
  CHECK(idle.get("/v1/version").status == 200);
  const auto begin = Monotonic::now();
  api->stop(begin + 60s);
  CHECK(Monotonic::now() - begin < 30s);
  CHECK(idle.closed());
  CHECK_FALSE(std::filesystem::exists(config.api.socket));
  CHECK_FALSE(dispatcher.followed());
}

TEST_CASE_FIXTURE(Running, "a stop waits for a call that runs, and answers it") {
  store.verify_waits = true;
  Client caller = client();
  caller.send("POST /v1/audit/verify HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
  REQUIRE(eventually([&] { return store.verifying == 1; }));
  std::thread stopper([&] { api->stop(Monotonic::now() + 60s); });
  // A new connection is refused as soon as the stop has begun.
  CHECK(eventually([&] {
    try {
      return client().closed();
    } catch (const std::exception&) {
      return true;
    }
  }));
  store.verify_waits = false;
  store.verify_waits.notify_all();
  const auto answer = caller.read_answer();
  stopper.join();
  CHECK(answer.status == 200);
  CHECK(answer.headers.at("connection") == "close");
}

TEST_CASE_FIXTURE(Running, "a client that never finishes is cut off at the deadline") {
  Client stuck = client();
  stuck.send("POST /v1/replay HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n{");
  REQUIRE(eventually([&] { return stuck.was_read(); }));
  const auto begin = Monotonic::now();
  api->stop(begin + 100ms);
  CHECK(Monotonic::now() - begin < 30s);
  CHECK(stuck.closed());
}
