// A thin hold on SQLite: connections, prepared statements that are kept, errors as exceptions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

struct sqlite3;
struct sqlite3_stmt;

namespace gitopsd::store {

/// A blob to bind, apart from text; the bytes outlive the call.
struct Blob {
  std::string_view bytes;
};

/// What SQLite answered. Callers of the store never see it: they get a Failure.
class SqlError : public std::runtime_error {
 public:
  SqlError(int code, int system_errno, const std::string& message)
      : std::runtime_error(message), code_(code), system_errno_(system_errno) {}
  int code() const { return code_; }  ///< extended result code
  int primary() const { return code_ & 0xff; }
  int system_errno() const { return system_errno_; }
  /// The disk, a quota or SQLite's own limit is full: nothing was written, and it can go on when there is
  /// room.
  bool no_room() const;
  /// SQLite refused this one statement (too big, say): others may well be stored.
  bool concerns_one() const;
  /// The file is no database or is corrupt.
  bool damaged() const;
  /// What is on disk can no longer be trusted or reached: the store stops writing for good.
  bool fatal() const;

 private:
  int code_;
  int system_errno_;
};

/// A statement in use; resets it when it goes.
class Query {
 public:
  explicit Query(sqlite3_stmt* statement) : statement_(statement) {}
  Query(Query&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)) {}
  Query& operator=(Query&&) = delete;
  ~Query();

  /// Steps to the next row; false at the end.
  bool row();
  /// Steps to the end.
  void run();

  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  std::string text(int column) const { return std::string(bytes(column)); }
  /// Text or blob; valid until the next step.
  std::string_view bytes(int column) const;
  bool is_blob(int column) const;

  void bind(int index, std::int64_t value);
  void bind(int index, int value) { bind(index, static_cast<std::int64_t>(value)); }
  void bind(int index, std::string_view text);  ///< the text outlives the query
  void bind(int index, Blob blob);
  void bind(int index, std::nullptr_t);
  template <class... Values>
  void bind_all(const Values&... values) {
    int index = 0;
    (bind(++index, values), ...);
  }

 private:
  [[noreturn]] void fail(int code) const;
  sqlite3_stmt* statement_;
};

class Connection {
 public:
  enum class Mode { create, write, read };
  /// Throws SqlError.
  Connection(const std::string& path, Mode mode, const std::string& vfs);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// One or more statements without parameters.
  void execute(const std::string& sql);
  /// A kept statement, with all its parameters. What is bound outlives the query.
  template <class... Values>
  Query query(std::string_view sql, const Values&... values) {
    Query q(prepared(sql, sizeof...(values)));
    q.bind_all(values...);
    return q;
  }
  template <class... Values>
  void run(std::string_view sql, const Values&... values) {
    query(sql, values...).run();
  }
  /// Rows that the last statement changed.
  int changes() const;
  /// Whether a transaction is open; SQLite ends one by itself on some errors.
  bool in_transaction() const;
  sqlite3* handle() const { return database_; }

 private:
  struct Kept {
    std::string sql;
    sqlite3_stmt* statement = nullptr;
  };
  sqlite3_stmt* prepared(std::string_view sql, std::size_t parameters);
  sqlite3* database_ = nullptr;
  /// By the address of the text, which is nearly always a literal; the text is compared all the same.
  std::unordered_map<const char*, Kept> statements_;
};

}  // namespace gitopsd::store
