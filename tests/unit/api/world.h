// An API on a real Unix socket over doubles of everything behind it.
#pragma once

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "daemon/api/api.h"
#include "tests/unit/api/client.h"
#include "tests/unit/api/doubles.h"
#include "tests/unit/slower.h"

namespace gitopsd::api {

inline constexpr WallMicros kNoon = 1'795'521'600'000'000;  // 2026-11-24T12:00:00Z
inline CommitId commit_of(char digit) {
  return *CommitId::parse(std::string(40, digit));
}

/// Waits for what another thread does, at most ten seconds, under a sanitizer five times that.
template <class Condition>
bool eventually(Condition condition) {
  const auto deadline = Monotonic::now() + std::chrono::seconds(30) * gitopsd::test::kSlower;
  while (!condition()) {
    if (Monotonic::now() > deadline) return false;
    usleep(1000);
  }
  return true;
}

class WallDouble : public Clock {
 public:
  WallMicros wall() const override { return kNoon; }
  Monotonic::time_point monotonic() const override { return Monotonic::now(); }
};

struct World {
  std::string folder;
  config::Config config;
  StoreDouble store;
  DispatcherDouble dispatcher;
  ServerDouble server;
  WallDouble clock;
  ConfigReload reload{kNoon - 60'000'000, 0, {}};
  std::unique_ptr<Api> api;

  World() {
    char name[] = "/tmp/gitopsd-api-XXXXXX";
    folder = mkdtemp(name);
    config.file = "/etc/gitopsd/gitopsd.yaml";
    config.api.socket = folder + "/run/api.sock";
    config.metrics.listen = "127.0.0.1:0";
    config.server.public_url = "https://gitops.example.org/";
    auto& repository = config.repositories.emplace_back();
    repository.name = RepositoryName("site");
    repository.url = "https://git.example.org/site.git";
    auto& hook = config.hooks.emplace_back();
    hook.name = HookName("main");
    hook.forge = "github";
    hook.secrets.emplace_back().file = "/etc/gitopsd/very-secret-place";
    hook.repositories.push_back(repository.name);
    auto& destination = config.destinations.emplace_back();
    destination.name = DestinationName("web-1");
    destination.provider = "host";
    add_application("web", "uid-web");
    add_application("mail", "uid-mail");
    dispatcher.sources.push_back({RepositoryName("site"),
                                  "https://bot:hunter2hunter2@git.example.org/site.git", kNoon - 90'000'000,
                                  ""});
    dispatcher.places.push_back({DestinationName("web-1"), "host", true, 1, {}, true});
  }
  ~World() {
    if (api) api->stop(Monotonic::now());
    std::filesystem::remove_all(folder);
  }

  void add_application(const std::string& name, const std::string& uid) {
    config::Application application;
    application.name = ApplicationName(name);
    application.uid = ApplicationUid(uid);
    application.repository = RepositoryName("site");
    application.destination = DestinationName("web-1");
    config.applications.push_back(application);
    sync::ApplicationStatus status;
    status.name = application.name;
    status.uid = application.uid;
    status.repository = application.repository;
    status.destination = application.destination;
    status.ref = "refs/heads/main";
    dispatcher.applications.push_back(status);
  }

  void start() {
    auto snapshot = std::make_shared<const config::Config>(config);
    Environment environment;
    environment.config = [snapshot] { return snapshot; };
    environment.reload = [this] { return reload; };
    environment.store = &store;
    environment.dispatcher = &dispatcher;
    environment.server = &server;
    environment.clock = &clock;
    api = make_api(environment);
    api->start();
  }

  Client client() { return Client::to_socket(config.api.socket); }
  Answer get(const std::string& target) { return client().get(target); }
  Answer post(const std::string& target, const std::string& body = {}) { return client().post(target, body); }
  Answer probe(const std::string& target) { return Client::to_port(api->metrics_port()).get(target); }
};

/// A World that runs.
struct Running : World {
  Running() { start(); }
};

inline store::Event event_double(std::int64_t id, store::EventState state = store::EventState::succeeded) {
  store::Event e;
  e.id = EventId{id};
  e.state = state;
  e.repository = RepositoryName("site");
  e.ref = *Ref::parse("refs/heads/main");
  e.before = commit_of('a');
  e.after = commit_of('b');
  e.hook = HookName("main");
  e.delivery = DeliveryId("72d3162e-cc78-11e3-81ab-4c9367dc0958");
  e.received = kNoon - 3'600'000'000 + id;
  e.timings.received = e.received;
  e.timings.stored = e.received + 400;
  e.attempts = 1;
  return e;
}

inline store::Sync sync_double(std::int64_t id, std::int64_t event, const std::string& uid = "uid-web") {
  store::Sync s;
  s.id = SyncId{id};
  s.event = EventId{event};
  s.application = ApplicationUid(uid);
  s.kind = "sync";
  s.revision = commit_of('b');
  s.state = store::SyncState::succeeded;
  s.started = kNoon - 10'000'000;
  s.ended = kNoon - 9'500'000;
  s.created = 1;
  return s;
}

}  // namespace gitopsd::api
