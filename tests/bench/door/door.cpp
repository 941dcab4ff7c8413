// The door and the store alone, as the intake benchmark loads them: no dispatcher takes what was accepted.
//   bench-door --config FILE [--fill ROWS | --count 1]
// --fill stores that many deliveries with the version-1 ids of the last day, and ends; --count prints how
// many there are.
#include <pthread.h>
#include <signal.h>

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <random>

#include "base/log.h"
#include "base/problem.h"
#include "config/config.h"
#include "daemon/server/server.h"
#include "daemon/store/store.h"

using namespace gitopsd;

namespace {

/// GitHub's ids: 100 ns since 1582, in order of sending but for some 50 ms.
std::string time_ordered_id(std::uint64_t ticks, std::uint64_t random) {
  char text[40];
  std::snprintf(text, sizeof text, "%08x-%04x-1%03x-8%03x-%012llx", static_cast<unsigned>(ticks),
                static_cast<unsigned>(ticks >> 32 & 0xffff), static_cast<unsigned>(ticks >> 48 & 0xfff),
                static_cast<unsigned>(random & 0xfff), static_cast<unsigned long long>(random >> 16));
  return text;
}

/// Keeps at most so many deliveries on their way to the disk.
class Window {
 public:
  explicit Window(int size) : room_(size) {}
  void enter() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return room_ > 0; });
    --room_;
  }
  void leave(const std::exception_ptr& error) {
    const std::lock_guard lock(mutex_);
    ++room_;
    if (error) error_ = error;
    changed_.notify_all();
  }
  void wait_empty(int size) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return room_ == size; });
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int room_;
  std::exception_ptr error_;
};

void fill(store::Store& store, const config::Config& config, long rows) {
  constexpr int in_flight = 512;
  Window window(in_flight);
  std::mt19937_64 engine(1);
  // A day's worth before now, evenly.
  constexpr std::int64_t day_us = 86'400'000'000;
  const std::int64_t begin_us = system_clock().wall() - day_us;
  constexpr std::uint64_t epoch_1582 = 122'192'928'000'000'000;
  for (long i = 0; i < rows; ++i) {
    const std::int64_t when =
        begin_us + static_cast<std::int64_t>(static_cast<double>(i) / static_cast<double>(rows) * day_us);
    store::Delivery delivery;
    delivery.hook = config.hooks.at(0).name;
    delivery.id = DeliveryId(time_ordered_id(epoch_1582 + static_cast<std::uint64_t>(when) * 10, engine()));
    delivery.received = when;
    for (auto& byte : delivery.digest) byte = static_cast<std::uint8_t>(engine());
    delivery.headers = R"({"user-agent":"GitHub-Hookshot/044aadd","x-github-event":"push"})";
    store::NewEvent event;
    event.repository = config.repositories.at(0).name;
    event.ref = *Ref::parse("refs/heads/main");
    event.after = *CommitId::parse("6113728f27ae82c7b1a177c8d03f9e96e0adf246");
    event.before = event.after;
    event.received = when;
    delivery.events.push_back(event);
    window.enter();
    store.accept(std::move(delivery),
                 [&](store::Accepted, const std::exception_ptr& error) { window.leave(error); });
  }
  window.wait_empty(in_flight);
}

int serve(store::Store& store, config::Snapshot config) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  server::Environment environment;
  environment.config = std::move(config);
  environment.store = &store;
  const auto server = server::make_server(std::move(environment));
  server->start();
  int signal = 0;
  sigwait(&signals, &signal);
  server->stop(Monotonic::now() + std::chrono::seconds(5));
  const auto counters = server->counters();
  std::printf("accepted %lld duplicates %lld unauthenticated %lld\n",
              static_cast<long long>(counters.accepted), static_cast<long long>(counters.duplicates),
              static_cast<long long>(counters.unauthenticated));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::string file;
  long rows = 0;
  bool count = false;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--config") == 0) file = argv[i + 1];
    if (std::strcmp(argv[i], "--fill") == 0) rows = std::atol(argv[i + 1]);
    if (std::strcmp(argv[i], "--count") == 0) count = true;
  }
  try {
    log::start("bench-door", log::Level::error);
    const auto config = config::load(file);
    const auto store = store::open_sqlite(config->store.path);
    if (count) {
      std::printf("%lld\n", static_cast<long long>(store->counts().deliveries));
      return 0;
    }
    if (rows == 0) return serve(*store, config);
    fill(*store, *config, rows);
    return 0;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "bench-door: %s\n", failure.what());
    return 1;
  }
}
