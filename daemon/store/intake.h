// Stores verified deliveries, each once.
#pragma once

#include <map>
#include <set>

#include "daemon/store/transaction.h"

namespace gitopsd::store {

class Intake {
 public:
  /// Within a transaction. Throws SqlError, with part of the delivery stored: the caller rolls back.
  Accepted accept(Transaction& transaction, const Delivery& delivery);
  /// After a rollback: what was remembered may not be there.
  void forget() { weeks_.clear(); }

 private:
  std::set<int>& weeks(Transaction& transaction, std::int64_t hook);

  /// By hook: weeks under which ids stand that do not sort by time.
  std::map<std::int64_t, std::set<int>> weeks_;
};

/// Writes an event that no delivery brought.
EventId insert_event(Transaction& transaction, const NewEvent& event);

}  // namespace gitopsd::store
