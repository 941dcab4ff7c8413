// kill -9 at seeded instants. The kernel keeps what was written, so this says nothing about syncs (power cuts
// do); it shows that nothing is answered before it is written, and that a store is taken over as it was left.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>
#include <set>

#include "base/file.h"
#include "daemon/store/store.h"
#include "tests/unit/store/fixture.h"

using namespace gitopsd;
using namespace gitopsd::store;
using namespace gitopsd::store::test;

namespace {

std::string id_of(int number) {
  return "crash-" + std::to_string(number);
}

/// Never returns: stores deliveries from `first` on, many in flight, and writes each answered number to the
/// pipe.
[[noreturn]] void store_until_killed(const std::string& directory, int first, int answers) {
  const auto store = open_sqlite(directory);
  std::atomic<int> in_flight{0};
  for (int number = first;; ++number) {
    for (int now = in_flight; now >= 64; now = in_flight) in_flight.wait(now);
    ++in_flight;
    store->accept(delivery(id_of(number)), [&, number](Accepted, std::exception_ptr error) {
      if (!error && ::write(answers, &number, sizeof number) != sizeof number) ::_exit(1);
      --in_flight;
      in_flight.notify_one();
    });
  }
}

/// Numbers that were answered before the child was killed, which happens after `count` of them.
std::set<int> answered(int pipe, pid_t child, int count) {
  std::set<int> out;
  int number = 0;
  while (::read(pipe, &number, sizeof number) == sizeof number) {
    out.insert(number);
    if (static_cast<int>(out.size()) == count) ::kill(child, SIGKILL);
  }
  return out;
}

}  // namespace

TEST_CASE("promise 1: kill -9 loses nothing that was answered") {
  const TemporaryDirectory directory;
  std::mt19937 random(1);
  std::set<int> all;
  for (int round = 0; round < 30; ++round) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) store_until_killed(directory.path(), round * 100'000, ends[1]);
    ::close(ends[1]);
    const Fd reading(ends[0]);
    const auto now = answered(reading.get(), child, 1 + static_cast<int>(random() % 2000));
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    all.insert(now.begin(), now.end());

    const auto store = open_sqlite(directory.path());
    for (int number : now) {
      INFO(number);
      REQUIRE(accept(*store, delivery(id_of(number))).kind == Accepted::Kind::duplicate);
    }
    CHECK(store->counts().deliveries >= static_cast<std::int64_t>(all.size()));
  }
  const auto store = open_sqlite(directory.path());
  CHECK(store->check().empty());
}
