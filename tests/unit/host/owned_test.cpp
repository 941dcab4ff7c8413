#include <doctest/doctest.h>

#include <sys/resource.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "providers/host/owned.h"
#include "providers/host/path.h"
#include "tests/unit/host/fixture.h"

using namespace gitopsd;
using namespace gitopsd::host;
using namespace gitopsd::host::test;

namespace {

const ResourceId kA("path:/a"), kB("path:/b");

OwnedList::Record record(const std::string& digest) {
  return {{"i", "app"}, digest, "receipt of " + digest, false};
}

struct Log {
  Fixture host;
  std::string folder = host.root;
  std::string file = folder + "/owned.log";
};

}  // namespace

TEST_CASE("the list survives a restart") {
  Log log;
  {
    OwnedList list(log.folder);
    list.own(kA, record("1"));
    list.own(kB, record("2"));
    list.begin(kA, {record("3"), "/", false});
    list.forget(kB);
    list.sync();
  }
  OwnedList list(log.folder);
  CHECK(list.find(kA)->digest == "1");
  CHECK(list.find(kA)->owner.application == "app");
  CHECK_FALSE(list.find(kB));
  REQUIRE(list.all_begun().size() == 1);
  CHECK(list.all_begun().at(kA).record.digest == "3");
}

TEST_CASE("a line that a crash cut off is dropped, at every byte") {
  Log log;
  {
    OwnedList list(log.folder);
    list.own(kA, record("1"));
    list.own(kB, record("2"));
  }
  const std::string whole = contents(log.file);
  const std::size_t first = whole.find('\n') + 1;
  for (std::size_t cut = first; cut < whole.size(); ++cut) {
    write(log.file, whole.substr(0, cut));
    {
      OwnedList list(log.folder);
      CHECK(list.find(kA));
      CHECK_FALSE(list.find(kB));
      list.own(kB, record("3"));
    }
    OwnedList list(log.folder);
    CHECK(list.find(kB)->digest == "3");
  }
}

TEST_CASE("a damaged line in the middle refuses the start and says what to do") {
  Log log;
  {
    OwnedList list(log.folder);
    list.own(kA, record("1"));
    list.own(kB, record("2"));
  }
  std::string bytes = contents(log.file);
  bytes[20] ^= 1;
  write(log.file, bytes);
  try {
    OwnedList list(log.folder);
    FAIL("accepted");
  } catch (const Failure& e) {
    CHECK(std::string(e.what()).find("is damaged at line 1") != std::string::npos);
    CHECK(std::string(e.what()).find("restore it") != std::string::npos);
  }
}

TEST_CASE("two providers do not share a state directory") {
  Log log;
  OwnedList list(log.folder);
  try {
    OwnedList second(log.folder);
    FAIL("accepted");
  } catch (const Failure& e) {
    CHECK(e.cause() == ProblemCause::transient);
  }
}

TEST_CASE("a long log is compacted at start and keeps what it said") {
  Log log;
  {
    OwnedList list(log.folder);
    for (int i = 0; i < 4000; ++i) list.own(kA, record(std::to_string(i)));
    list.own(kB, record("b"));
  }
  const std::string before = contents(log.file);
  write(log.file, before + before);
  { OwnedList list(log.folder); }
  CHECK(contents(log.file).size() < before.size() / 100);
  OwnedList list(log.folder);
  CHECK(list.find(kA)->digest == "3999");
  CHECK(list.find(kB)->digest == "b");
  list.own(kA, record("after"));
  list.sync();
}

TEST_CASE("a list that is written for long is compacted meanwhile and keeps what it said") {
  Log log;
  {
    OwnedList list(log.folder);
    list.begin(kB, {record("begun"), "/", true});
    for (int i = 0; i < 20'000; ++i) list.own(kA, record(std::to_string(i)));
    CHECK(contents(log.file).size() < 5000 * 250);
    CHECK(list.find(kA)->digest == "19999");
  }
  OwnedList list(log.folder);
  CHECK(list.find(kA)->digest == "19999");
  REQUIRE(list.all_begun().size() == 1);
  CHECK(list.all_begun().at(kB).record.digest == "begun");
  CHECK(list.all_begun().at(kB).removal);
}

TEST_CASE("a list is compacted between those who sync it") {
  Log log;
  {
    OwnedList list(log.folder);
    std::atomic<bool> over = false;
    std::jthread other([&] {
      for (int i = 0; !over; ++i) {
        list.own(kB, record(std::to_string(i)));
        list.sync();
      }
    });
    for (int i = 0; i < 20'000; ++i) list.own(kA, record(std::to_string(i)));
    over = true;
    other.join();
    list.own(kB, record("last"));
    list.sync();
    CHECK(contents(log.file).size() < 5000 * 250);
  }
  OwnedList list(log.folder);
  CHECK(list.find(kA)->digest == "19999");
  CHECK(list.find(kB)->digest == "last");
}

TEST_CASE("a list that cannot be compacted is used as it is and compacted later") {
  Log log;
  // UndefinedBehaviorSanitizer takes a pipe to look whether a type is what it seems, and does so once for
  // each.
  try {
    throw fail(ProblemCause::internal, "it cannot");
  } catch (const std::exception& e) {
    REQUIRE(std::string(e.what()) == "it cannot");
  }
  {
    OwnedList list(log.folder);
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const rlimit none{0, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    for (int i = 0; i < 5000; ++i) list.own(kA, record(std::to_string(i)));
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    const std::size_t long_one = contents(log.file).size();
    for (int i = 5000; i < 10'000; ++i) list.own(kA, record(std::to_string(i)));
    CHECK(contents(log.file).size() < long_one);
  }
  OwnedList list(log.folder);
  CHECK(list.find(kA)->digest == "9999");
}

TEST_CASE("a list whose file is not in its place is written no more") {
  Log log;
  OwnedList list(log.folder);
  std::filesystem::rename(log.folder, log.folder + ".away");
  for (int i = 0; i < 4097; ++i) list.own(kA, record(std::to_string(i)));
  CHECK_THROWS_AS(list.own(kA, record("lost")), Failure);
  CHECK_THROWS_AS(list.sync(), Failure);
  std::filesystem::rename(log.folder + ".away", log.folder);
}

TEST_CASE("what lies beneath a folder is found, and not what begins alike") {
  Log log;
  OwnedList list(log.folder);
  for (const char* path : {"/d", "/d/a", "/d/b/c", "/d2", "/d-x"}) list.own(id_of(path), record("1"));
  CHECK(list.beneath("/d") == std::vector{id_of("/d/a"), id_of("/d/b/c")});
}
