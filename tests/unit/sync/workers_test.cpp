// Threads come as they are needed, so that a task which waits delays no other.
#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <latch>
#include <vector>

#include "daemon/sync/workers.h"

using namespace gitopsd;
using namespace gitopsd::sync;
using namespace std::chrono_literals;

TEST_CASE("tasks that wait for each other all run at once, up to the most") {
  constexpr int kMost = 5;
  Workers workers("test", kMost);
  std::latch all(kMost);
  std::vector<std::promise<void>> ended(kMost + 1);
  std::atomic<int> running{0}, highest{0};
  for (int i = 0; i < kMost; ++i) {
    workers.post([&, i] {
      const int now = ++running;
      for (int seen = highest; seen < now && !highest.compare_exchange_weak(seen, now);) {
      }
      all.arrive_and_wait();
      --running;
      ended[static_cast<std::size_t>(i)].set_value();
    });
  }
  workers.post([&] { ended[kMost].set_value(); });
  for (auto& one : ended) REQUIRE(one.get_future().wait_for(60s) == std::future_status::ready);
  CHECK(highest == kMost);
}

TEST_CASE("a task whose time comes while others are busy runs on a thread of its own") {
  Workers workers("test", 2);
  std::promise<void> release, timed;
  const auto gate = release.get_future().share();
  std::promise<void> begun;
  workers.at(Monotonic::now() + 20ms, [&] { timed.set_value(); });
  workers.post([&, gate] {
    begun.set_value();
    gate.wait();
  });
  REQUIRE(begun.get_future().wait_for(60s) == std::future_status::ready);
  CHECK(timed.get_future().wait_for(60s) == std::future_status::ready);
  release.set_value();
}

TEST_CASE("with one thread tasks run in their order, and those of a later time after those of an earlier") {
  Workers workers("test", 1);
  std::vector<int> order;
  std::promise<void> done, release;
  workers.post([&, all_asked = release.get_future().share()] { all_asked.wait(); });
  const auto now = Monotonic::now();
  workers.at(now + 30ms, [&] { order.push_back(4); });
  workers.at(now + 20ms, [&] { order.push_back(3); });
  workers.post([&] { order.push_back(1); });
  workers.post([&] { order.push_back(2); });
  workers.at(now + 40ms, [&] { done.set_value(); });
  release.set_value();
  REQUIRE(done.get_future().wait_for(60s) == std::future_status::ready);
  CHECK(order == std::vector{1, 2, 3, 4});
}

TEST_CASE("what has not begun when it stops is dropped, and nothing more is taken") {
  Workers workers("test", 3);
  bool ran = false;
  workers.at(Monotonic::now() + 1h, [&] { ran = true; });
  workers.stop();
  CHECK_FALSE(workers.post([&] { ran = true; }));
  CHECK_FALSE(ran);
}
