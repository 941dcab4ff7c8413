// A reload while something is under way: what leaves ends, what comes is looked after, what stays goes on.
#include <netinet/in.h>
#include <sys/socket.h>

#include <utility>

#include "base/file.h"
#include "tests/unit/sync/world.h"

namespace gitopsd::sync::test {
namespace {

using namespace std::chrono_literals;
using store::EventState;

constexpr const char* kLeft = "the application left the configuration";

/// A Git server that takes connections and says nothing.
class SilentServer {
 public:
  SilentServer() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(socket_.get(), 8) == 0);
    REQUIRE(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
  }
  std::string url() const { return "git://127.0.0.1:" + std::to_string(port_) + "/site.git"; }

 private:
  Fd socket_;
  int port_ = 0;
};

}  // namespace

TEST_CASE("an application that leaves while it is held ends its event") {
  World world;
  world.add("web").approve = true;
  world.start();
  const auto event = world.push({{"web/a.yaml", thing("a", "1")}});
  const auto held = world.await("web", Phase::held);
  world.config.applications.clear();
  world.reload();
  const auto end = world.ended(event);
  CHECK(end.state == EventState::superseded);
  CHECK(end.reason == kLeft);
  CHECK(eventually([&] { return world.store->sync(held.sync)->state == store::SyncState::superseded; }));
  CHECK(world.place.ids().empty());
}

TEST_CASE("an application that leaves while a newer commit is queued ends both events") {
  World world;
  world.add("web");
  world.start();
  world.apply({{"web/a.yaml", thing("a", "0")}});
  world.place.shut();
  const auto running = world.push({{"web/a.yaml", thing("a", "1")}});
  world.place.await_waiting(1);
  const auto queued = world.push({{"web/a.yaml", thing("a", "2")}});
  CHECK(eventually([&] {
    return world.store->tip(RepositoryName("site"), source::test::main_ref()) == world.origin.tip();
  }));
  world.config.applications.clear();
  world.reload();
  CHECK(world.ended(queued).state == EventState::superseded);
  CHECK_FALSE(ended(world.store->event(running)->state));  // a step that has begun ends as it will
  world.place.open();
  world.ended(running);
  CHECK(world.place.value("a") == "1");
}

TEST_CASE("an application that leaves while it is tried again ends its event") {
  World world;
  world.add("web");
  world.start();
  world.apply({{"web/a.yaml", thing("a", "0")}});
  world.place.break_off();
  const auto event = world.push({{"web/a.yaml", thing("a", "1")}});
  world.await("web", Phase::backing_off);
  world.config.applications.clear();
  world.reload();
  CHECK(world.ended(event).reason == kLeft);
}

TEST_CASE("an application that comes back while its old sync works never has two syncs at once") {
  World world;
  world.add("web");
  world.start();
  world.place.shut();
  const auto first = world.push({{"web/a.yaml", thing("a", "1")}});
  world.place.await_waiting(1);
  const auto applications = std::exchange(world.config.applications, {});
  world.reload();
  world.config.applications = applications;
  world.reload();
  const auto second = world.push({{"web/a.yaml", thing("a", "2")}, {"web/b.yaml", thing("b", "2")}});
  CHECK(eventually([&] {
    return world.store->tip(RepositoryName("site"), source::test::main_ref()) == world.origin.tip();
  }));
  CHECK(world.place.most_at_once() == 1);
  world.place.open();
  world.ended(first);
  CHECK(world.ended(second).state == EventState::succeeded);
  CHECK(world.place.value("a") == "2");
  CHECK(world.place.value("b") == "2");
  CHECK(world.place.most_at_once() == 1);
  CHECK_FALSE(world.status("web").orphaned);
}

TEST_CASE("events that wait for a repository are fetched from where it is after a reload") {
  const SilentServer silent;
  World world;
  world.add("web");
  world.config.repositories[0].url = silent.url();
  world.answers = false;
  world.start();
  const auto first = world.push({{"web/a.yaml", thing("a", "1")}});
  const auto second = world.push({{"web/a.yaml", thing("a", "2")}});
  world.config.repositories[0].url = world.origin.url();
  world.reload();
  CHECK(ended(world.ended(first).state));
  CHECK(world.ended(second).state == EventState::succeeded);
  CHECK(world.place.value("a") == "2");
}

TEST_CASE("events that wait for a repository end when it leaves the configuration") {
  const SilentServer silent;
  World world;
  world.add("web");
  world.config.repositories[0].url = silent.url();
  world.answers = false;
  world.start();
  const auto event = world.push({{"web/a.yaml", thing("a", "1")}});
  world.config.applications.clear();
  world.config.repositories.clear();
  world.reload();
  const auto end = world.ended(event);
  CHECK(end.state == EventState::ignored);
  CHECK(end.reason == "repository left the configuration");
}

TEST_CASE("an application that a reload brings is checked as often as it says") {
  World world;
  world.start();
  world.add("web").check_interval = 50ms;
  world.reload();
  world.apply({{"web/a.yaml", thing("a", "1")}});
  world.place.change_unseen("a", "changed");
  CHECK(eventually([&] { return world.place.value("a") == "1"; }));
}

TEST_CASE("a reload changes how often an application is checked") {
  World world;
  world.add("web").check_interval = 0ms;
  world.start();
  world.apply({{"web/a.yaml", thing("a", "1")}});
  world.config.applications[0].check_interval = 50ms;
  world.reload();
  world.await("web", SyncStatus::synced);
  world.place.change_unseen("a", "changed");
  CHECK(eventually([&] { return world.place.value("a") == "1"; }));
}

TEST_CASE(
    "what is approved after its destination got other settings needs no second word for the same plan") {
  World world;
  world.add("web").drift = config::DriftPolicy::report;
  world.start();
  world.place.become("here");  // and stays it
  world.apply({{"web/a.yaml", thing("a", "1")}});
  world.config.applications[0].approve = true;
  world.reload();
  const auto event = world.push({{"web/a.yaml", thing("a", "2")}});
  const auto held = world.await("web", Phase::held);
  world.config.destinations[0].settings = Value::object({{"timeout", 5}});
  world.reload();
  const ApplicationName web("web");
  SUBCASE("the same plan") {
    world.dispatcher->approve(web, held.sync, "ada");
    CHECK(world.ended(event).state == EventState::succeeded);
    const auto done = world.status("web").sync;
    CHECK(done != held.sync);
    CHECK(world.store->approved_by(done) == "ada");
    CHECK(world.store->sync(held.sync)->error.find("settings have changed") != std::string::npos);
  }
  SUBCASE("another plan") {
    world.place.change_unseen("a", "9");
    world.dispatcher->approve(web, held.sync, "ada");
    const auto again = world.await_held_again("web", held.sync);
    CHECK(again.waits_for.find("what ada approved before was another plan") != std::string::npos);
    CHECK_FALSE(world.store->approved_by(again.sync));
    CHECK(world.place.value("a") == "9");
    world.dispatcher->approve(web, again.sync, "ada");
    CHECK(world.ended(event).state == EventState::succeeded);
  }
  CHECK(world.place.value("a") == "2");
}

TEST_CASE("what is approved does not hold where other settings may lead to another place") {
  World world;
  world.add("web").approve = true;
  world.start();
  const auto event = world.push({{"web/a.yaml", thing("a", "1")}});
  const auto held = world.await("web", Phase::held);
  world.config.destinations[0].settings = Value::object({{"timeout", 5}});
  world.reload();
  world.dispatcher->approve(ApplicationName("web"), held.sync, "ada");
  const auto again = world.await_held_again("web", held.sync);
  CHECK(again.waits_for.find("another plan, or at another place") != std::string::npos);
  CHECK(world.place.value("a").empty());
  world.dispatcher->approve(ApplicationName("web"), std::nullopt, "ada");
  CHECK(world.ended(event).state == EventState::succeeded);
  CHECK(world.place.value("a") == "1");
}

}  // namespace gitopsd::sync::test
