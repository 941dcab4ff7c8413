// What the store's tests share: a directory that goes away, a clock that stands still, and deliveries.
#pragma once

#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <string>

#include "base/clock.h"
#include "base/problem.h"
#include "daemon/store/store.h"

namespace gitopsd::store::test {

inline const ApplicationUid kWeb("web");
inline constexpr WallMicros kDay = 24LL * 3600 * 1'000'000;

class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class StoppedClock final : public Clock {
 public:
  WallMicros wall() const override { return now; }
  Monotonic::time_point monotonic() const override { return Monotonic::now(); }
  std::atomic<WallMicros> now{1'700'000'000'000'000};
};

/// Both of whose times stand still until a test moves them.
class TwoClocks final : public Clock {
 public:
  explicit TwoClocks(WallMicros wall = 0) : now(wall) {}
  WallMicros wall() const override { return now; }
  Monotonic::time_point monotonic() const override { return ticks; }
  WallMicros now;
  Monotonic::time_point ticks{};
};

/// A store on a directory of its own that can be closed and opened again.
struct Opened {
  TemporaryDirectory directory;
  StoppedClock clock;
  std::unique_ptr<Store> store = open_sqlite(directory.path(), clock);
  Store* operator->() { return store.get(); }
  void reopen() {
    store.reset();
    store = open_sqlite(directory.path(), clock);
  }
};

CommitId commit(char digit);
NewEvent push(const std::string& ref = "refs/heads/main");
Delivery delivery(const std::string& id, std::vector<NewEvent> events = {push()});
/// accept() and its answer; throws what the callback was given.
Accepted accept(Store& store, Delivery delivery);
/// The message of the Failure that `f` throws.
std::string failure_of(const std::function<void()>& f);
/// Statements on the database file itself, past the store.
void tamper(const std::string& directory, const std::string& sql);

}  // namespace gitopsd::store::test
