#include <doctest/doctest.h>

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
    for (int i = 0; i < 5000; ++i) list.own(kA, record(std::to_string(i)));
    list.own(kB, record("b"));
  }
  const std::size_t before = contents(log.file).size();
  { OwnedList list(log.folder); }
  CHECK(contents(log.file).size() < before / 100);
  OwnedList list(log.folder);
  CHECK(list.find(kA)->digest == "4999");
  CHECK(list.find(kB)->digest == "b");
  list.own(kA, record("after"));
  list.sync();
}

TEST_CASE("what lies beneath a folder is found, and not what begins alike") {
  Log log;
  OwnedList list(log.folder);
  for (const char* path : {"/d", "/d/a", "/d/b/c", "/d2", "/d-x"}) list.own(id_of(path), record("1"));
  CHECK(list.beneath("/d") == std::vector{id_of("/d/a"), id_of("/d/b/c")});
}
