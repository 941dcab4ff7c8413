// Promise 1 against power cuts: whatever was not synced is gone, in any part, at any instant.
// POWERCUT_SEED=N runs that one; POWERCUT_SEEDS=N runs the first N.
#include <doctest/doctest.h>

#include <cstdlib>

#include "base/file.h"
#include "base/problem.h"
#include "daemon/store/sqlite_store.h"
#include "tests/integration/powercut/vfs.h"
#include "tests/integration/powercut/workload.h"
#include "tests/unit/store/fixture.h"

using namespace gitopsd;
using namespace gitopsd::powercut;

namespace {

constexpr int kCheckpointPages = 60;  // so that checkpoints happen in a short life

std::unique_ptr<store::Store> open(const std::string& directory, const Vfs& vfs) {
  return store::open_sqlite(directory, system_clock(), store::Options{vfs.name(), kCheckpointPages});
}

/// Two lives of a store on the disk; a cut or a fault ends them early.
long live(const std::string& directory, Disk& disk, std::uint64_t seed, Ledger& ledger) {
  Vfs vfs(disk);
  std::mt19937_64 random(seed);
  for (int life = 0; life < 2 && !ledger.failed; ++life) {
    try {
      const auto store = open(directory, vfs);
      work(*store, random, ledger, life * 200);
    } catch (const Failure&) {
      ledger.failed = true;
    }
  }
  return disk.operations();
}

/// Empty, or what is wrong with the store on what the cut left.
std::string after(const std::string& directory, Image image, Ledger& ledger) {
  Disk disk({}, std::move(image));
  Vfs vfs(disk);
  try {
    const auto store = open(directory, vfs);
    std::string broken = broken_promises(*store, ledger);
    Ledger fresh;
    std::mt19937_64 random(7);
    work(*store, random, fresh, 700);
    if (fresh.failed) broken += "cannot write any more\n";
    return broken + broken_promises(*store, fresh);
  } catch (const Failure& failure) {
    return std::string("cannot be opened: ") + failure.what() + "\n";
  }
}

long whole_life() {
  const store::test::TemporaryDirectory directory;
  Disk disk({});
  Ledger ledger;
  const long operations = live(directory.path(), disk, 1, ledger);
  CHECK_FALSE(ledger.failed);
  return operations;
}

/// One power cut. Empty, or the promises that it broke.
std::string cut(Faults faults, long operations) {
  const store::test::TemporaryDirectory directory;
  std::mt19937_64 random(faults.seed);
  faults.cut_at = 1 + static_cast<long>(random() % static_cast<std::uint64_t>(operations));
  Disk disk(faults);
  Ledger ledger;
  live(directory.path(), disk, faults.seed, ledger);
  return after(directory.path(), disk.after_cut(), ledger);
}

long number(const char* name, long otherwise) {
  const char* text = std::getenv(name);
  return text ? std::atol(text) : otherwise;
}

int losses(Faults faults, int cuts) {
  const long operations = whole_life();
  int out = 0;
  for (int i = 1; i <= cuts; ++i) {
    faults.seed = static_cast<std::uint64_t>(i);
    out += !cut(faults, operations).empty();
  }
  return out;
}

}  // namespace

TEST_CASE("promise 1: no power cut loses what was answered as stored") {
  const long operations = whole_life();
  MESSAGE("a life has ", operations, " operations");
  REQUIRE(operations > 200);
  const long only = number("POWERCUT_SEED", 0);
  const long last = only ? only : number("POWERCUT_SEEDS", 1000);
  for (long seed = only ? only : 1; seed <= last; ++seed) {
    const std::string broken = cut({.seed = static_cast<std::uint64_t>(seed)}, operations);
    if (broken.empty()) continue;
    FAIL_CHECK("POWERCUT_SEED=", seed, ": ", broken);
  }
}

TEST_CASE("the test can fail: a disk that ignores syncs loses what was answered") {
  CHECK(losses({.ignore_syncs = true}, 40) >= 10);
}

TEST_CASE("the test can fail: commits that are not synced (synchronous=NORMAL) lose what was answered") {
  CHECK(losses({.ignore_wal_syncs = true}, 40) >= 10);
}

TEST_CASE("promise 1: after a failed sync nothing is written, and nothing that was answered is lost") {
  for (long at = 3; at < 60; ++at) {
    CAPTURE(at);
    const store::test::TemporaryDirectory directory;
    Disk disk({.seed = static_cast<std::uint64_t>(at), .fail_sync_at = at});
    Ledger ledger;
    live(directory.path(), disk, 5, ledger);
    CHECK(ledger.failed);
    CHECK(after(directory.path(), disk.after_cut(), ledger) == "");
  }
}

TEST_CASE("a write error stops the store for good") {
  for (long at = 60; at < 160; at += 7) {
    CAPTURE(at);
    const store::test::TemporaryDirectory directory;
    Disk disk({.seed = 1, .fail_write_at = at});
    Ledger ledger;
    live(directory.path(), disk, 5, ledger);
    CHECK(ledger.failed);
    CHECK(after(directory.path(), disk.after_cut(), ledger) == "");
  }
}
