#include "daemon/store/schema.h"

#include <sqlite3.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "base/file.h"
#include "base/problem.h"
#include "daemon/store/schema_v1.h"
#include "daemon/store/schema_v2.h"
#include "daemon/store/schema_v3.h"
#include "daemon/store/schema_v4.h"

namespace gitopsd::store {
namespace {

constexpr int kApplicationId = 0x676f7073;  // "gops"
constexpr std::string_view kMagic{"SQLite format 3\0", 16};
constexpr std::size_t kHeaderSize = 100;

struct Migration {
  int to;
  const char* sql;
};
constexpr std::array<Migration, 4> kMigrations{
    {{1, kSchemaV1}, {2, kSchemaV2}, {3, kSchemaV3}, {4, kSchemaV4}}};

std::int64_t pragma(Connection& connection, const char* sql) {
  Query q = connection.query(sql);
  return q.row() ? q.integer(0) : 0;
}

std::uint32_t big_endian(const char* bytes) {
  std::uint32_t out = 0;
  for (int i = 0; i < 4; ++i) out = out << 8 | static_cast<unsigned char>(bytes[i]);
  return out;
}

Failure foreign(const std::string& path) {
  return fail(ProblemCause::input, path + " is a database of another program",
              "let store.path name a directory of gitopsd's own");
}

void check_tables(Connection& connection, const std::string& path) {
  // What this version would create, compared with what is there: catches a database that something else
  // altered.
  Connection fresh(":memory:", Connection::Mode::create, {});
  for (const auto& m : kMigrations) fresh.execute(m.sql);
  constexpr char kObjects[] =
      "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite%' ORDER BY name";
  Query want = fresh.query(kObjects);
  Query have = connection.query(kObjects);
  while (want.row()) {
    if (have.row() && want.bytes(0) == have.bytes(0) && want.bytes(1) == have.bytes(1)) continue;
    throw fail(ProblemCause::input,
               path + " has a damaged schema: `" + want.text(0) + "` is not as gitopsd made it",
               restore_hint(path));
  }
  if (have.row()) {
    throw fail(ProblemCause::input, path + " has a table `" + have.text(0) + "` that gitopsd did not make",
               restore_hint(path));
  }
}

}  // namespace

std::string restore_hint(const std::string& path) {
  return "stop gitopsd, move " + path +
         ", -wal and -shm aside, and put a backup in their place; without one "
         "gitopsd starts empty and adopts what it finds";
}

void check_header(const std::string& path) {
  std::error_code ignored;
  const auto size = std::filesystem::file_size(path, ignored);
  if (ignored || size == 0) return;
  std::array<char, kHeaderSize> header{};
  std::ifstream in(path, std::ios::binary);
  if (!in.read(header.data(), header.size())) {
    const int error = errno;
    if (size >= kHeaderSize) {
      throw fail(ProblemCause::permission, "cannot read " + path + ": " + errno_text(error),
                 "give the daemon's user read and write permission");
    }
    throw fail(ProblemCause::input, path + " is cut short and no database", restore_hint(path));
  }
  if (std::memcmp(header.data(), kMagic.data(), kMagic.size()) != 0) {
    throw fail(ProblemCause::input, path + " is not an SQLite database", restore_hint(path));
  }
  const auto application = big_endian(header.data() + 68);
  const auto version = big_endian(header.data() + 60);
  // Both are 0 until the first transaction has reached the file; then the WAL has them, and migrate() looks.
  if (application != 0 && application != kApplicationId) throw foreign(path);
  if (static_cast<int>(version) > kSchemaVersion) {
    throw fail(ProblemCause::input,
               path + " has schema version " + std::to_string(version) + ", newer than this gitopsd's " +
                   std::to_string(kSchemaVersion),
               "run the gitopsd that wrote it, or restore the backup made before the upgrade");
  }
}

void migrate(Connection& connection, const std::string& path) {
  const auto application = pragma(connection, "PRAGMA application_id");
  const auto version = pragma(connection, "PRAGMA user_version");
  const auto tables = pragma(connection, "SELECT count(*) FROM sqlite_schema");
  if (application != kApplicationId && (application != 0 || tables != 0)) throw foreign(path);
  if (version > kSchemaVersion) {
    throw fail(ProblemCause::input,
               path + " has schema version " + std::to_string(version) + ", newer than this gitopsd's " +
                   std::to_string(kSchemaVersion),
               "run the gitopsd that wrote it, or restore the backup made before the upgrade");
  }
  for (const auto& m : kMigrations) {
    if (m.to <= version) continue;
    connection.execute("BEGIN IMMEDIATE");
    connection.execute(m.sql);
    connection.execute("PRAGMA application_id = " + std::to_string(kApplicationId));
    connection.execute("PRAGMA user_version = " + std::to_string(m.to));
    connection.execute("COMMIT");
  }
  check_tables(connection, path);
}

}  // namespace gitopsd::store
