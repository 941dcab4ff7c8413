// Deliveries a second that the store makes durable, alone: bench-store [--rows N] [--in-flight N] [--ids
// v1|random]
// [--directory DIR] [--fill N]. A closed loop: as many are in flight as connections would be.
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <mutex>
#include <random>
#include <utility>

#include "base/hash.h"
#include "base/problem.h"
#include "daemon/store/store.h"

using namespace gitopsd;

namespace {

struct Arguments {
  long rows = 500'000;
  long fill = 0;  ///< rows that are stored before the clock starts
  std::size_t in_flight = 64;
  bool random_ids = false;
  std::string directory;
};

class Ids {
 public:
  explicit Ids(bool random) : random_(random) {}
  /// GitHub's are version 1: 100 ns since 1582, in order of sending but for some 50 ms.
  std::string next() {
    char text[40];
    const std::uint64_t low = engine_();
    if (random_) {
      const std::uint64_t high = engine_();
      std::snprintf(text, sizeof text, "%08x-%04x-4%03x-8%03x-%012llx", static_cast<unsigned>(high),
                    static_cast<unsigned>(high >> 32 & 0xffff), static_cast<unsigned>(high >> 48 & 0xfff),
                    static_cast<unsigned>(low & 0xfff), static_cast<unsigned long long>(low >> 16));
      return text;
    }
    time_ += 200;
    const std::uint64_t t = time_ + engine_() % 500'000;
    std::snprintf(text, sizeof text, "%08x-%04x-1%03x-8%03x-%012llx", static_cast<unsigned>(t),
                  static_cast<unsigned>(t >> 32 & 0xffff), static_cast<unsigned>(t >> 48 & 0xfff),
                  static_cast<unsigned>(low & 0xfff), static_cast<unsigned long long>(low >> 16));
    return text;
  }

 private:
  bool random_;
  std::mt19937_64 engine_{std::random_device{}()};
  std::uint64_t time_ =
      static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count()) / 100 +
      0x01b21dd213814000;
};

store::Delivery delivery(Ids& ids, WallMicros now) {
  store::Delivery d;
  d.hook = HookName("github");
  d.id = DeliveryId(ids.next());
  d.received = now;
  d.digest = sha256(d.id.str());
  d.headers =
      R"({"user-agent":"GitHub-Hookshot/a2b3c4d","x-github-delivery":")" + d.id.str() +
      R"(","x-github-event":"push","x-github-hook-id":"292430182","x-github-hook-installation-target-id":"7)"
      R"(9929171","x-github-hook-installation-target-type":"repository","content-type":"application/json"})";
  store::NewEvent e;
  e.repository = RepositoryName("octo-org/octo-repo");
  e.ref = *Ref::parse("refs/heads/main");
  e.before = *CommitId::parse(to_hex(d.digest).substr(0, 40));
  e.after = *CommitId::parse(to_hex(d.digest).substr(20, 40));
  e.body_signed = true;
  e.actor = "Codertocat";
  e.received = now;
  d.events.push_back(std::move(e));
  return d;
}

using Time = std::chrono::steady_clock;

/// Answers, gathered on the writer's thread and taken in one go.
class Answers {
 public:
  void add(Time::time_point sent, const std::vector<store::Answer>& answers) {
    timespec cpu{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
    const double time = std::chrono::duration<double, std::milli>(Time::now() - sent).count();
    const std::lock_guard lock(mutex_);
    taken_.insert(taken_.end(), answers.size(), time);
    for (const auto& answer : answers) failed_ |= answer.error != nullptr;
    const double now = static_cast<double>(cpu.tv_sec) * 1e6 + static_cast<double>(cpu.tv_nsec) / 1e3;
    if (first_cpu_ == 0) first_cpu_ = now;
    last_cpu_ = now;
    ready_.notify_one();
  }
  std::vector<double> take() {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [this] { return !taken_.empty(); });
    if (failed_) throw fail(ProblemCause::internal, "the store refused a delivery");
    return std::exchange(taken_, {});
  }
  /// Microseconds of processor time that the writer's thread took between its first and its last answer.
  double writer_cpu() const { return last_cpu_ - first_cpu_; }

 private:
  std::mutex mutex_;
  std::condition_variable ready_;
  std::vector<double> taken_;
  double first_cpu_ = 0, last_cpu_ = 0;
  bool failed_ = false;
};

std::vector<double> run(store::Store& store, Ids& ids, long rows, std::size_t in_flight) {
  std::vector<double> times;
  Answers answers;
  for (long done = 0; done < rows;) {
    const long piece = std::min(rows - done, 200'000L);
    // Made beforehand, in pieces that fit in memory: making them is the door's cost, not the store's.
    std::vector<store::Delivery> ready;
    for (long i = 0; i < piece; ++i) ready.push_back(delivery(ids, system_clock().wall()));
    std::size_t sent = 0, answered = 0;
    const auto start = Time::now();
    // In two halves, as a door with work of its own would: one is on its way to the disk, one is gathering.
    const auto send = [&](std::size_t count) {
      count = std::min(count, ready.size() - sent);
      if (count == 0) return;
      std::vector<store::Delivery> batch(
          std::make_move_iterator(ready.begin() + static_cast<long>(sent)),
          std::make_move_iterator(ready.begin() + static_cast<long>(sent + count)));
      sent += count;
      store.accept_all(std::move(batch),
                       [&, now = Time::now()](std::vector<store::Answer> given) { answers.add(now, given); });
    };
    send(in_flight / 2);
    send(in_flight - in_flight / 2);
    while (answered < ready.size()) {
      const auto now = answers.take();
      answered += now.size();
      times.insert(times.end(), now.begin(), now.end());
      send(now.size());
    }
    done += piece;
    const double seconds = std::chrono::duration<double>(Time::now() - start).count();
    std::printf("rows %ld: %.0f rows/s\n", done, static_cast<double>(piece) / seconds);
    std::fflush(stdout);
  }
  std::printf("writer: %.2f us CPU each\n", answers.writer_cpu() / static_cast<double>(rows));
  return times;
}

Arguments parse(int argc, char** argv) {
  Arguments out;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    if (name == "--rows") out.rows = std::atol(argv[i + 1]);
    if (name == "--fill") out.fill = std::atol(argv[i + 1]);
    if (name == "--in-flight") out.in_flight = static_cast<std::size_t>(std::atol(argv[i + 1]));
    if (name == "--ids") out.random_ids = std::strcmp(argv[i + 1], "random") == 0;
    if (name == "--directory") out.directory = argv[i + 1];
  }
  return out;
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

int main(int argc, char** argv) {
  const auto arguments = parse(argc, argv);
  std::string directory = arguments.directory;
  const bool temporary = directory.empty();
  if (temporary) {
    directory = (std::filesystem::temp_directory_path() / "bench-store-XXXXXX").string();
    if (::mkdtemp(directory.data()) == nullptr) return 1;
  }
  {
    const auto store = store::open_sqlite(directory);
    Ids ids(arguments.random_ids);
    if (arguments.fill > 0) run(*store, ids, arguments.fill, 4096);
    const auto start = Time::now();
    const double cpu = cpu_seconds();
    auto times = run(*store, ids, arguments.rows, arguments.in_flight);
    const double seconds = std::chrono::duration<double>(Time::now() - start).count();
    const double cpu_each = (cpu_seconds() - cpu) / static_cast<double>(arguments.rows) * 1e6;
    std::sort(times.begin(), times.end());
    const auto at = [&](double part) {
      return times[static_cast<std::size_t>(part * static_cast<double>(times.size() - 1))];
    };
    std::printf(
        "%zu in flight, %s ids: %.2f s with the making of deliveries, %.1f us CPU each, p50 %.2f ms, p99 "
        "%.2f ms, max %.1f ms\n",
        arguments.in_flight, arguments.random_ids ? "random" : "version 1", seconds, cpu_each, at(0.5),
        at(0.99), at(1));
  }
  if (temporary) std::filesystem::remove_all(directory);
  return 0;
}
