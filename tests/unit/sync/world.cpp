#include "tests/unit/sync/world.h"

#include <algorithm>

namespace gitopsd::sync::test {

using namespace std::chrono_literals;

std::string thing(const std::string& name, const std::string& value, const std::string& more) {
  return "apiVersion: test/v1\nkind: Thing\nmetadata: {name: " + name + "}\nspec:\n  value: \"" + value +
         "\"\n" + (more.empty() ? std::string() : "  " + more + "\n");
}

World::World() {
  config.file = "test";
  auto& repository = config.repositories.emplace_back();
  repository.name = RepositoryName("site");
  repository.url = origin.url();
  repository.poll = 0ms;
  auto& destination = config.destinations.emplace_back();
  destination.name = DestinationName("here");
  destination.provider = "place";
  store = store::open_sqlite(folder.path());
}

World::~World() {
  place.open();
}

config::Application& World::add(const std::string& name, const std::string& ref) {
  auto& app = config.applications.emplace_back();
  app.name = ApplicationName(name);
  app.uid = ApplicationUid(name);
  app.repository = RepositoryName("site");
  app.ref = ref;
  app.path = name;
  app.destination = DestinationName("here");
  return app;
}

void World::start() {
  Environment environment;
  environment.config = std::make_shared<const config::Config>(config);
  environment.store = store.get();
  environment.state_directory = folder.path();
  environment.missing_delay = missing_delay;
  environment.open_provider = [this](const config::Destination& destination, Provider::Events events) {
    Place& what = elsewhere && destination.name.str() == "there" ? *elsewhere : place;
    return what.provider(destination, std::move(events));
  };
  dispatcher = make_dispatcher(environment);
  dispatcher->start();
  await_looks({});
}

void World::reload() {
  const auto before = dispatcher->repositories();
  dispatcher->reload(std::make_shared<const config::Config>(config));
  await_looks(before);
}

void World::await_looks(const std::vector<RepositoryStatus>& before) {
  if (!answers) return;
  const auto followed = [&](const RepositoryName& name) {
    return std::any_of(config.applications.begin(), config.applications.end(),
                       [&](const auto& app) { return app.repository == name; });
  };
  const auto looked_at = [&](const RepositoryStatus& now) {
    const auto old =
        std::find_if(before.begin(), before.end(), [&](const auto& b) { return b.name == now.name; });
    return now.last_look > (old == before.end() ? 0 : old->last_look) || !now.error.empty();
  };
  REQUIRE(eventually([&] {
    const auto now = dispatcher->repositories();
    return std::all_of(now.begin(), now.end(), [&](const auto& repository) {
      return !followed(repository.name) || looked_at(repository);
    });
  }));
}

void World::restart() {
  dispatcher->stop(Monotonic::now() + 5s);
  dispatcher.reset();
  start();
}

CommitId World::commit(const std::map<std::string, std::string>& files, const std::string& ref) {
  return origin.commit(files, ref);
}

CommitId World::remove(const std::string& path) {
  origin.git({"fast-import", "--quiet"},
             "commit refs/heads/main\ncommitter Ada Example <ada@example.com> 1700000001 +0000\ndata 0\n"
             "from refs/heads/main^0\nD " +
                 path + "\n");
  return origin.tip();
}

CommitId World::move(const std::map<std::string, std::string>& paths) {
  std::string renames;
  for (const auto& [from, to] : paths) {
    renames += "R " + from + " " + to + "\n";
  }
  origin.git({"fast-import", "--quiet"},
             "commit refs/heads/main\ncommitter Ada Example <ada@example.com> 1700000001 +0000\ndata 0\n"
             "from refs/heads/main^0\n" +
                 renames);
  return origin.tip();
}

EventId World::deliver(const CommitId& commit, const std::string& ref) {
  store::NewEvent event;
  event.cause = store::Cause::push;
  event.repository = RepositoryName("site");
  event.ref = Ref::parse(ref).value();
  event.after = commit;
  event.body_signed = true;
  event.received = system_clock().wall();
  const auto id = store->add_event(event);
  dispatcher->notify({id});
  return id;
}

EventId World::push(const std::map<std::string, std::string>& files, const std::string& ref) {
  return deliver(commit(files, ref), ref);
}

store::Event World::ended(EventId id) {
  const bool came = eventually([&] { return store::ended(store->event(id)->state); });
  const auto event = store->event(id).value();
  REQUIRE_MESSAGE(came, "event " << id.value << " is " << to_string(event.state) << ": " << event.reason);
  return event;
}

CommitId World::apply(const std::map<std::string, std::string>& files, const std::string& ref) {
  const auto event = ended(push(files, ref));
  REQUIRE_MESSAGE(event.state == store::EventState::succeeded, event.reason << " " << event.error);
  return event.after;
}

void World::apply_then_ask(const std::map<std::string, std::string>& files) {
  add("web");
  start();
  apply(files);
  config.applications[0].approve = true;
  reload();
}

ApplicationStatus World::status(const std::string& name) const {
  for (auto& s : dispatcher->status()) {
    if (s.name.str() == name) return s;
  }
  FAIL("no application " << name);
  return {};
}

ApplicationStatus World::await(const std::string& name, SyncStatus wanted) {
  ApplicationStatus s;
  const bool came = eventually([&] { return (s = status(name)).status == wanted; });
  REQUIRE_MESSAGE(came, name << " is " << to_string(s.status) << ": " << s.waits_for << " " << s.error);
  return s;
}

ApplicationStatus World::await(const std::string& name, Phase wanted) {
  ApplicationStatus s;
  const bool came = eventually([&] { return (s = status(name)).phase == wanted; });
  REQUIRE_MESSAGE(came, name << " is " << to_string(s.phase) << ": " << s.waits_for << " " << s.error);
  return s;
}

ApplicationStatus World::await_held_again(const std::string& name, SyncId before) {
  ApplicationStatus s;
  const bool came = eventually([&] {
    s = status(name);
    return s.phase == Phase::held && s.sync != before;
  });
  REQUIRE_MESSAGE(came, name << " is " << to_string(s.phase) << " by sync " << s.sync.value << ": "
                             << s.waits_for << " " << s.error);
  return s;
}

}  // namespace gitopsd::sync::test
