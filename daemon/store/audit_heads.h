// The heads of the audit chain's daily segments: told to a log that whoever has the database cannot change,
// they give away a chain that was written anew from its beginning.
#pragma once

#include "base/clock.h"
#include "daemon/store/store.h"

namespace gitopsd::store {

class AuditHeads {
 public:
  /// Both outlive it.
  AuditHeads(const Store& store, const Clock& clock) : store_(store), clock_(clock) {}

  /// The head that is to be told now: at the first call the newest entry, later that of each UTC day once it
  /// has ended. Throws Failure when the store cannot be read, and then has it told a minute later.
  std::optional<AuditEntry> due();

 private:
  const Store& store_;
  const Clock& clock_;
  std::optional<std::int64_t> day_;  ///< whose predecessor has been told, in days since 1970
  Monotonic::time_point next_try_{};
};

}  // namespace gitopsd::store
