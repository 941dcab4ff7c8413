#include <doctest/doctest.h>
#include <sys/stat.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>

#include "providers/host/host.h"
#include "providers/host/path.h"
#include "providers/host/watch.h"
#include "tests/unit/host/fixture.h"

using namespace gitopsd;
using namespace gitopsd::host;
using namespace gitopsd::host::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

/// A watch over a temporary folder that judges everything as `verdict` and keeps what it told.
struct Watching {
  explicit Watching(std::size_t max_folders = SIZE_MAX) : watch(handlers(), max_folders) {}

  Watch::Handlers handlers() {
    Watch::Handlers h;
    h.judge = [this](const ResourceId&, const std::string&, const std::string&) {
      std::unique_lock lock(mutex);
      ++judged;
      opened.wait(lock, [this] { return !closed; });
      return verdict.load();
    };
    h.changed = [this](const std::string& application, std::vector<ResourceId> ids, bool every) {
      std::lock_guard lock(mutex);
      if (every) ++all;
      ++messages;
      for (const auto& id : ids) told.insert(application + " " + path_of(id));
    };
    return h;
  }
  bool has(const std::string& path) {
    return eventually([&] {
      std::lock_guard lock(mutex);
      return told.contains("app " + path);
    });
  }
  std::size_t count() {
    std::lock_guard lock(mutex);
    return told.size();
  }
  void clear() {
    std::lock_guard lock(mutex);
    told.clear();
  }
  void open() {
    std::lock_guard lock(mutex);
    closed = false;
    opened.notify_all();
  }

  Fixture host;
  std::mutex mutex;
  std::condition_variable opened;
  bool closed = false;
  std::set<std::string> told;
  std::atomic<int> all{0}, messages{0}, judged{0};
  std::atomic<Watch::Verdict> verdict{Watch::Verdict::changed};
  Watch watch;  // last: its thread ends first
};

/// A whole provider, as the daemon has it.
class Told : public protocol::Notifier {
 public:
  void changed(const protocol::Changed& message) override {
    std::lock_guard lock(mutex);
    messages.push_back(message);
  }
  void context(const protocol::ContextChanged&) override {}
  void condition(const protocol::Condition&) override {}
  void identified(const protocol::Identified&) override {}
  std::size_t count() {
    std::lock_guard lock(mutex);
    return messages.size();
  }
  std::mutex mutex;
  std::vector<protocol::Changed> messages;
};

}  // namespace

TEST_CASE("every kind of change is told") {
  Watching w;
  const std::string path = w.host.at("f");
  write(path, "x");
  w.watch.add("app", w.host.root, path);
  auto change = [&](const std::function<void()>& make) {
    w.clear();
    make();
    CHECK(w.has(path));
  };
  change([&] { write(path, "y"); });
  change([&] { ::chmod(path.c_str(), 0600); });
  change([&] { fs::rename(path, path + ".moved"); });
  change([&] { fs::rename(path + ".moved", path); });
  change([&] { fs::remove(path); });
  change([&] { fs::create_symlink("x", path); });
  change([&] { fs::remove(path); });
  change([&] { fs::create_directory(path); });
  w.clear();
  write(w.host.at("other"), "x");
  change([&] { ::chmod(path.c_str(), 0700); });
  CHECK(w.count() == 1);  // nobody asked for the other
}

TEST_CASE("a folder that goes, moves and comes again keeps being watched") {
  Watching w;
  fs::create_directories(w.host.at("a/b"));
  const std::string path = w.host.at("a/b/f");
  write(path, "x");
  w.watch.add("app", w.host.root, path);
  CHECK(w.watch.folders() == 3);
  fs::rename(w.host.at("a"), w.host.at("away"));
  CHECK(w.has(path));
  w.clear();
  fs::create_directories(w.host.at("a/b"));
  CHECK(w.has(path));
  w.clear();
  // Whether the file comes before or after the new watch is set: it is told.
  write(path, "again");
  CHECK(w.has(path));
  w.clear();
  fs::remove_all(w.host.at("a"));
  CHECK(w.has(path));
}

TEST_CASE("what does not exist yet is told when it comes") {
  Watching w;
  const std::string path = w.host.at("a/b/f");
  w.watch.add("app", w.host.root, path);
  fs::create_directories(w.host.at("a/b"));
  CHECK(w.has(path));
  w.clear();
  write(path, "x");
  CHECK(w.has(path));
}

TEST_CASE("the first change is told at once, the following ones together") {
  Watching w;
  for (int i = 0; i < 200; ++i) w.watch.add("app", w.host.root, w.host.at("f" + std::to_string(i)));
  for (int i = 0; i < 200; ++i) write(w.host.at("f" + std::to_string(i)), "x");
  CHECK(w.has(w.host.at("f199")));
  CHECK(w.count() == 200);
  CHECK(w.messages < 200);
}

TEST_CASE("what is as we left it is no news, and what is being written waits") {
  Watching w;
  const std::string path = w.host.at("f"), marker = w.host.at("marker");
  w.watch.add("app", w.host.root, path);
  w.verdict = Watch::Verdict::ours;
  write(path, "x");
  REQUIRE(eventually([&] { return w.judged > 0; }));
  CHECK(w.messages == 0);
  w.verdict = Watch::Verdict::busy;
  w.judged = 0;
  write(path, "y");
  REQUIRE(eventually([&] { return w.judged > 0; }));
  CHECK(w.messages == 0);
  w.verdict = Watch::Verdict::changed;
  w.watch.settled();
  CHECK(w.has(path));
}

TEST_CASE("too many folders are told once as all") {
  Watching w(2);
  for (int i = 0; i < 5; ++i) {
    const std::string folder = w.host.at("d" + std::to_string(i));
    fs::create_directory(folder);
    w.watch.add("app", w.host.root, folder + "/f");
  }
  CHECK(eventually([&] { return w.all == 1; }));
  CHECK(w.watch.folders() == 2);
  // What could be watched still is.
  write(w.host.at("d0/f"), "x");
  CHECK(w.has(w.host.at("d0/f")));
  CHECK(w.all == 1);
}

TEST_CASE("an overflowing queue is told as all, and the watch goes on") {
  std::ifstream limit("/proc/sys/fs/inotify/max_queued_events");
  int events = 16384;
  limit >> events;
  REQUIRE(events < 1'000'000);
  Watching w;
  const std::string path = w.host.at("f");
  w.watch.add("app", w.host.root, path);
  {
    std::lock_guard lock(w.mutex);
    w.closed = true;  // its thread stops at the next judgement
  }
  write(path, "x");
  REQUIRE(eventually([&] { return w.judged > 0; }));
  const std::string a = w.host.at("a"), b = w.host.at("b");
  write(a, "x");
  for (int i = 0; i <= events / 2 + 10; ++i) {
    fs::rename(a, b);
    fs::rename(b, a);
  }
  w.open();
  CHECK(eventually([&] { return w.all == 1; }));
  w.clear();
  write(path, "y");
  CHECK(w.has(path));
}

TEST_CASE("our own writes make no noise, somebody else's do") {
  Fixture host;
  host.state.reset();  // the provider opens it itself
  Host provider;
  auto told = std::make_shared<Told>();
  protocol::InitializeRequest initialize;
  initialize.state_directory = host.state_directory;
  provider.initialize(initialize, told);
  CHECK(told->count() == 1);
  CHECK(told->messages[0].all);  // after start anything may have changed
  protocol::CallContext context{host.blobs, host.cancelled, Monotonic::now() + 60s};

  const int rounds = 30;
  for (int i = 0; i < rounds; ++i) {
    auto documents = std::vector{host.directory("d"), host.file("d/f", "round " + std::to_string(i))};
    auto resolved = host.resolve(documents);
    protocol::PlanRequest plan{
        "1", host.owner, host.policy, protocol::PlanMode::changed, resolved.resources, documents, {},
        {},  false,      1000};
    auto planned = provider.plan(plan, context);
    REQUIRE(planned.problems.empty());
    protocol::ApplyRequest apply{"1",  host.owner, host.policy, planned.steps, resolved.resources, documents,
                                 1000, 1};
    REQUIRE(provider.apply(apply, context, [](const protocol::Progress&) {}).outcome ==
            protocol::ApplyOutcome::done);
    protocol::ObserveRequest observe;
    observe.owner = host.owner;
    observe.policy = host.policy;
    observe.watch = true;
    for (const auto& resource : resolved.resources) observe.entries.push_back({resource.id, {}, {}});
    for (const auto& seen : provider.observe(observe, context).observations)
      CHECK(seen.drift == protocol::DriftState::no);
  }
  // Events are told in order, so that once this one has come, those of our writes have been judged.
  write(host.at("d/f"), "theirs");
  CHECK(eventually([&] { return told->count() > 1; }));
  std::lock_guard lock(told->mutex);
  for (auto message = told->messages.begin() + 1; message != told->messages.end(); ++message) {
    CHECK(message->application == "app");
    CHECK(message->ids == std::vector{id_of(host.at("d/f"))});
  }
}
