#include "daemon/store/connection.h"

#include <sqlite3.h>

#include <cerrno>

namespace gitopsd::store {
namespace {

constexpr int kBusyMilliseconds = 10'000;

[[noreturn]] void raise(sqlite3* database, int code) {
  throw SqlError(code, sqlite3_system_errno(database), sqlite3_errmsg(database));
}

}  // namespace

bool SqlError::no_room() const {
  if (primary() == SQLITE_FULL) return true;
  // The index of the WAL lives in memory that a file backs: it can fail to grow, and no data is at stake.
  if (code_ == SQLITE_IOERR_SHMSIZE) return true;
  const bool write = code_ == SQLITE_IOERR_WRITE || code_ == SQLITE_IOERR_TRUNCATE;
  return write && (system_errno_ == ENOSPC || system_errno_ == EDQUOT);
}

bool SqlError::concerns_one() const {
  return !fatal() && !no_room() && primary() != SQLITE_BUSY;
}

bool SqlError::damaged() const {
  return primary() == SQLITE_CORRUPT || primary() == SQLITE_NOTADB;
}

bool SqlError::fatal() const {
  if (no_room() || code_ == SQLITE_IOERR_NOMEM) return false;
  switch (primary()) {
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      return true;
    default:
      return false;
  }
}

Query::~Query() {
  if (statement_) sqlite3_reset(statement_);
}

void Query::fail(int code) const {
  raise(sqlite3_db_handle(statement_), code);
}

bool Query::row() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  fail(sqlite3_extended_errcode(sqlite3_db_handle(statement_)));
}

void Query::run() {
  while (row()) {
  }
}

bool Query::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}
bool Query::is_blob(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_BLOB;
}
std::int64_t Query::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string_view Query::bytes(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  return data ? std::string_view(data, size) : std::string_view();
}

void Query::bind(int index, std::int64_t value) {
  if (int code = sqlite3_bind_int64(statement_, index, value)) fail(code);
}

void Query::bind(int index, std::string_view text) {
  const char* data = text.data() ? text.data() : "";
  if (int code = sqlite3_bind_text64(statement_, index, data, text.size(), SQLITE_STATIC, SQLITE_UTF8)) {
    fail(code);
  }
}

void Query::bind(int index, Blob blob) {
  const char* data = blob.bytes.data() ? blob.bytes.data() : "";
  if (int code = sqlite3_bind_blob64(statement_, index, data, blob.bytes.size(), SQLITE_STATIC)) fail(code);
}

void Query::bind(int index, std::nullptr_t) {
  if (int code = sqlite3_bind_null(statement_, index)) fail(code);
}

/// Counting its memory costs SQLite a lock per allocation, and nobody asks. Too late once SQLite is in use:
/// no matter.
void configure_once() {
  static const int code = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  static_cast<void>(code);
}

Connection::Connection(const std::string& path, Mode mode, const std::string& vfs) {
  configure_once();
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  flags |= mode == Mode::read ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  if (mode == Mode::create) flags |= SQLITE_OPEN_CREATE;
  const int code = sqlite3_open_v2(path.c_str(), &database_, flags, vfs.empty() ? nullptr : vfs.c_str());
  if (code != SQLITE_OK) {
    const SqlError error(code, database_ ? sqlite3_system_errno(database_) : 0,
                         database_ ? sqlite3_errmsg(database_) : "out of memory");
    sqlite3_close_v2(database_);
    throw error;
  }
  sqlite3_busy_timeout(database_, kBusyMilliseconds);
  // A hostile database file must not run SQL of its own.
  sqlite3_db_config(database_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(database_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
}

Connection::~Connection() {
  for (auto& [address, kept] : statements_) sqlite3_finalize(kept.statement);
  sqlite3_close_v2(database_);
}

void Connection::execute(const std::string& sql) {
  if (int code = sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr)) raise(database_, code);
}

int Connection::changes() const {
  return sqlite3_changes(database_);
}
bool Connection::in_transaction() const {
  return sqlite3_get_autocommit(database_) == 0;
}

sqlite3_stmt* Connection::prepared(std::string_view sql, std::size_t parameters) {
  auto& kept = statements_[sql.data()];
  if (kept.statement && kept.sql == sql) return kept.statement;
  sqlite3_finalize(std::exchange(kept.statement, nullptr));
  const int size = static_cast<int>(sql.size());
  if (int code = sqlite3_prepare_v3(database_, sql.data(), size, SQLITE_PREPARE_PERSISTENT, &kept.statement,
                                    nullptr)) {
    raise(database_, code);
  }
  kept.sql = sql;
  // One that is not bound would keep the last use's value.
  if (static_cast<std::size_t>(sqlite3_bind_parameter_count(kept.statement)) != parameters) {
    throw std::logic_error("parameters of `" + kept.sql + "`");
  }
  return kept.statement;
}

}  // namespace gitopsd::store
