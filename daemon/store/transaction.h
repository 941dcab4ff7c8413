// What a write works on: the connection, the time, and the few numbers that only the writer may hand out.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/types.h"
#include "daemon/store/connection.h"
#include "daemon/store/store.h"

namespace gitopsd::store {

/// Numbers that live in memory while the store is open. They go back together with what was not committed.
struct Heads {
  std::array<std::int64_t, 8> events{};  ///< by EventState
  std::int64_t deliveries = 0;
  std::int64_t last_event = 0;
  std::int64_t audit_sequence = 0;
  Sha256 audit_hash{};
  bool operator==(const Heads&) const = default;
};

class Transaction {
 public:
  /// Loads the heads. Throws SqlError.
  explicit Transaction(Connection& connection);

  void begin(WallMicros now);
  void commit();
  /// Undoes all since begin(); never throws.
  void rollback();
  /// Within a transaction: the part that `rollback_part` would undo begins.
  void begin_part();
  void end_part();
  void rollback_part();

  Connection& db() { return connection_; }
  WallMicros now() const { return now_; }
  Heads& heads() { return heads_; }
  void count(EventState state, std::int64_t change) {
    heads_.events.at(static_cast<std::size_t>(state)) += change;
  }
  /// The number that stands for a hook or repository; made when it is new.
  std::int64_t name_id(const std::string& name);
  /// The row of an application; made (or woken, if forgotten) when it is not there.
  std::int64_t application_id(const ApplicationUid& uid);
  /// Appends to the hash chain.
  void audit(std::string_view entry);

 private:
  void store_heads();

  Connection& connection_;
  WallMicros now_ = 0;
  Heads heads_, committed_, part_;
  std::unordered_map<std::string, std::int64_t> names_;
};

}  // namespace gitopsd::store
