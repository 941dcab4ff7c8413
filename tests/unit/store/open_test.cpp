#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "tests/unit/store/fixture.h"

using namespace gitopsd;
using namespace gitopsd::store;
using namespace gitopsd::store::test;

namespace {

std::string open_failure(const std::string& directory, const std::string& installation = {}) {
  return failure_of([&] { open_sqlite(directory, system_clock(), installation); });
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

mode_t mode(const std::string& path) {
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 07777;
}

void write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace

TEST_CASE("an installation and its key are made once") {
  Opened s;
  const std::string installation = s->installation(), key(s->digest_key());
  CHECK(installation.size() == 36);
  CHECK(key.size() == 32);
  s.reopen();
  CHECK(s->installation() == installation);
  CHECK(s->digest_key() == key);
  CHECK(read_file(s.directory.path() + "/store.key") == key);
  CHECK_FALSE(has(read_file(s.directory.path() + "/gitopsd.db"), key));
  Opened other;
  CHECK(other->installation() != installation);
  CHECK(other->digest_key() != key);
}

TEST_CASE("a new store takes the name of one that was lost, and no other store does") {
  constexpr const char* kLost = "0b5c9a3e-8f1d-4c57-9a55-1f0e6c2d7b41";
  TemporaryDirectory directory;
  CHECK(open_sqlite(directory.path(), system_clock(), kLost)->installation() == kLost);
  CHECK(open_sqlite(directory.path(), system_clock(), kLost)->installation() == kLost);
  CHECK(open_sqlite(directory.path())->installation() == kLost);

  // Its first start made a store of another name, and every sync of that was refused.
  TemporaryDirectory refused;
  CHECK(open_sqlite(refused.path())->installation() != kLost);
  CHECK(open_sqlite(refused.path(), system_clock(), kLost)->installation() == kLost);
  CHECK(open_sqlite(refused.path())->installation() == kLost);

  Opened own;
  InventoryEntry entry;
  entry.id = ResourceId("a");
  entry.intended_sync = SyncId{1};
  own->intend(ApplicationUid("web"), SyncId{1}, std::vector{entry});
  const std::string message = own.directory.path() + " is the store of installation " + own->installation() +
                              ", which owns resources, and store.installation names " + kLost;
  own.store.reset();
  CHECK(has(open_failure(own.directory.path(), kLost), message));
  CHECK(open_sqlite(own.directory.path())->installation() != kLost);
}

TEST_CASE("nobody else can read the store") {
  Opened s;
  s->add_event(push());
  for (const char* name : {"gitopsd.db", "gitopsd.db-wal", "gitopsd.db-shm", "store.key", "lock"}) {
    CAPTURE(name);
    CHECK(mode(s.directory.path() + "/" + name) == 0600);
  }
  TemporaryDirectory base;
  const std::string fresh = base.path() + "/a/b";
  open_sqlite(fresh);
  CHECK(mode(fresh) == 0700);
}

TEST_CASE("a second daemon on the same directory is refused") {
  Opened s;
  CHECK(has(open_failure(s.directory.path()), "another gitopsd works on " + s.directory.path()));
  s.store.reset();
  CHECK(open_sqlite(s.directory.path()) != nullptr);
}

TEST_CASE("a file that is no database, or not ours, or from the future, is refused with what to do") {
  Opened s;
  s->add_event(push());
  s.store.reset();
  const std::string path = s.directory.path() + "/gitopsd.db";
  SUBCASE("text") {
    write(path, std::string(5000, 'x'));
    const auto message = open_failure(s.directory.path());
    CHECK(has(message, "is not an SQLite database"));
    CHECK(has(message, "put a backup in their place"));
  }
  SUBCASE("cut short") {
    write(path, "SQLite format 3");
    CHECK(has(open_failure(s.directory.path()), "is cut short"));
  }
  SUBCASE("cut in the middle") {
    std::filesystem::resize_file(path, 3UL * 4096);
    CHECK(has(open_failure(s.directory.path()), "put a backup in their place"));
  }
  SUBCASE("another program's") {
    std::filesystem::remove(path);
    tamper(s.directory.path(), "CREATE TABLE t(x)");
    CHECK(has(open_failure(s.directory.path()), "database of another program"));
  }
  SUBCASE("another program's id") {
    tamper(s.directory.path(), "PRAGMA application_id = 17");
    CHECK(has(open_failure(s.directory.path()), "database of another program"));
  }
  SUBCASE("newer") {
    tamper(s.directory.path(), "PRAGMA user_version = 999");
    const auto message = open_failure(s.directory.path());
    CHECK(has(message, "schema version 999, newer than this gitopsd's"));
    CHECK(has(message, "run the gitopsd that wrote it"));
  }
  SUBCASE("an index dropped") {
    tamper(s.directory.path(), "DROP INDEX delivery_by_key");
    CHECK(has(open_failure(s.directory.path()), "`delivery_by_key` is not as gitopsd made it"));
  }
  SUBCASE("a table added") {
    tamper(s.directory.path(), "CREATE TABLE zzz(x)");
    CHECK(has(open_failure(s.directory.path()), "a table `zzz` that gitopsd did not make"));
  }
  SUBCASE("damaged schema page") {
    auto bytes = read_file(path);
    for (std::size_t i = 100; i < 4096; ++i) bytes[i] = static_cast<char>(i * 37);
    write(path, bytes);
    CHECK(has(open_failure(s.directory.path()), "put a backup in their place"));
  }
}

TEST_CASE("a database of an older version is taken along") {
  Opened s;
  InventoryEntry entry;
  entry.id = ResourceId("a");
  s->intend(kWeb, SyncId{1}, std::vector{entry});
  s.store.reset();
  SUBCASE("the first") {
    tamper(s.directory.path(),
           "DROP TABLE destinations; DROP TABLE failures; DROP INDEX inventory_handed;"
           " ALTER TABLE inventory DROP COLUMN handed_by; ALTER TABLE inventory DROP COLUMN handed_at;"
           " PRAGMA user_version = 1");
  }
  SUBCASE("the third") {
    tamper(s.directory.path(), "DROP TABLE destinations; PRAGMA user_version = 3");
  }
  s.reopen();
  CHECK_FALSE(s->destination(DestinationName("prod")));
  REQUIRE(s->inventory(kWeb).size() == 1);
  CHECK(s->inventory(kWeb)[0].from.empty());
  CHECK(s->failed_parts(EventId{1}).empty());
}

TEST_CASE("a missing or foreign key is refused") {
  Opened s;
  s.store.reset();
  const std::string key = s.directory.path() + "/store.key";
  SUBCASE("missing") {
    std::filesystem::remove(key);
    CHECK(has(open_failure(s.directory.path()), "store.key is missing"));
  }
  SUBCASE("another") {
    write(key, std::string(32, 'k'));
    CHECK(has(open_failure(s.directory.path()), "is not the key that this database was used with"));
  }
  SUBCASE("too short") {
    write(key, "k");
    CHECK(has(open_failure(s.directory.path()), "is not a key of 32 bytes"));
  }
}

TEST_CASE("a damaged page is found by the check in the background") {
  Opened s;
  for (int i = 0; i < 200; ++i) s->add_event(push());
  CHECK(s->check().empty());
  s.store.reset();
  const std::string path = s.directory.path() + "/gitopsd.db";
  auto bytes = read_file(path);
  REQUIRE(bytes.size() > 5 * 4096);
  for (std::size_t i = bytes.size() - 4096; i < bytes.size(); ++i) bytes[i] = '\x5a';
  write(path, bytes);
  s.store = open_sqlite(s.directory.path(), s.clock);
  std::string found;
  try {
    found = s->check();
  } catch (const Failure& failure) {
    found = failure.what();
  }
  CHECK_FALSE(found.empty());
}

TEST_CASE("a directory without permission is an error that says so") {
  if (::geteuid() != 0) {
    CHECK(has(open_failure("/proc/none"), "cannot make the store's directory"));
    return;
  }
  TemporaryDirectory base;
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(2);
    ::_exit(has(open_failure(base.path() + "/db"), "give it to the daemon's user") ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
