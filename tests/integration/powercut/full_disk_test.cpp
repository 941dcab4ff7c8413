// A full disk: writers are told, nothing that was accepted is lost, and it goes on when there is room again.
#include <doctest/doctest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "base/problem.h"
#include "daemon/store/sqlite_store.h"
#include "tests/integration/powercut/vfs.h"
#include "tests/unit/store/fixture.h"

using namespace gitopsd;
using namespace gitopsd::store;
using namespace gitopsd::store::test;
using namespace gitopsd::powercut;

namespace {

/// A file system of that size at `path`, gone with this process.
void mount_small(const std::string& path, const char* options) {
  const bool root = ::geteuid() == 0;
  REQUIRE(::unshare(root ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) == 0);
  REQUIRE(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
  REQUIRE(::mount("tmpfs", path.c_str(), "tmpfs", 0, options) == 0);
}

Delivery big(int number) {
  auto d = delivery("big-" + std::to_string(number));
  d.headers.assign(9000, 'h');
  return d;
}

/// Stores until there is no room; returns what was stored.
std::map<std::string, EventId> fill(Store& store, int& number, std::string& message) {
  std::map<std::string, EventId> stored;
  for (int end = number + 2000; number < end; ++number) {
    try {
      auto d = big(number);
      const std::string id = d.id.str();
      stored[id] = accept(store, std::move(d)).events.at(0);
    } catch (const Failure& failure) {
      CHECK(failure.cause() == ProblemCause::transient);
      message = failure.what();
      return stored;
    }
  }
  FAIL("the disk did not become full");
  return stored;
}

void check_there(const Store& store, const std::map<std::string, EventId>& stored) {
  for (const auto& [id, event] : stored) {
    const auto read = store.event(event);
    REQUIRE(read);
    CHECK(read->delivery.str() == id);
  }
}

/// Fills, makes room, fills again. `room` is called with whether there is to be room.
void full_and_back(const std::function<std::unique_ptr<Store>()>& open,
                   const std::function<void()>& make_room) {
  auto store = open();
  int number = 0;
  std::string message;
  auto stored = fill(*store, number, message);
  CHECK(message.find("no room to store") != std::string::npos);
  CHECK(message.find("free space") != std::string::npos);
  CHECK(store->writable());
  CHECK(stored.size() > 10);
  CHECK_THROWS_AS(store->put_documents({{"00", std::string(1 << 20, 'd')}}), Failure);
  CHECK_FALSE(store->document("00"));
  check_there(*store, stored);

  make_room();
  CHECK(accept(*store, big(number)).kind == Accepted::Kind::stored);
  stored.merge(fill(*store, ++number, message));
  check_there(*store, stored);
  CHECK(store->check().empty());
  CHECK(store->counts().deliveries == static_cast<std::int64_t>(stored.size()) + 1);
}

}  // namespace

TEST_CASE("a full file system") {
  const TemporaryDirectory directory;
  mount_small(directory.path(), "size=3m,mode=0700");
  const std::string ballast = directory.path() + "/ballast";
  std::ofstream(ballast) << std::string(1 << 20, 'b');
  full_and_back([&] { return open_sqlite(directory.path()); }, [&] { std::filesystem::remove(ballast); });
  // Still full: it opens all the same.
  CHECK(open_sqlite(directory.path())->counts().deliveries > 10);
  ::umount(directory.path().c_str());
}

TEST_CASE("a full disk under the store alone, with checkpoints on the way") {
  const TemporaryDirectory directory;
  Disk disk({.capacity = 1 << 20});
  const Vfs vfs(disk);
  full_and_back(
      [&] {
        return open_sqlite(directory.path(), system_clock(), Options{vfs.name(), 50});
      },
      [&] { disk.set_capacity(2 << 20); });
}
