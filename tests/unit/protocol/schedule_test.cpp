#include <doctest/doctest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "providers/protocol/schedule.h"

using namespace gitopsd::protocol;

TEST_CASE("everything runs once, after what it waits for") {
  std::vector<std::vector<std::size_t>> after(500);
  for (std::size_t i = 1; i < after.size(); ++i) after[i] = {i / 2, i - i % 7 - (i % 7 == 0)};
  after[10].push_back(10);   // itself and later ones
  after[10].push_back(400);  // are ignored
  for (std::size_t parallel : {std::size_t{1}, std::size_t{8}, std::size_t{1000}}) {
    std::vector<std::atomic<int>> runs(after.size());
    std::atomic<bool> wrong{false};
    run_in_order(after, parallel, [&](std::size_t i) {
      for (std::size_t before : after[i])
        if (before < i && runs[before] != 1) wrong = true;
      ++runs[i];
    });
    CHECK_FALSE(wrong);
    for (const auto& count : runs) CHECK(count == 1);
  }
  run_in_order({}, 8, [](std::size_t) { FAIL("nothing to run"); });
}

TEST_CASE("what does not wait runs at the same time") {
  std::mutex mutex;
  std::condition_variable arrived;
  int count = 0;
  // Each of the four ends only when all four have begun.
  run_in_order(std::vector<std::vector<std::size_t>>(4), 4, [&](std::size_t) {
    std::unique_lock lock(mutex);
    ++count;
    arrived.notify_all();
    CHECK(arrived.wait_for(lock, std::chrono::seconds(60), [&] { return count == 4; }));
  });
}
