// When what is old is deleted: every few minutes, and not while the wall clock is in doubt. By a clock that
// runs ahead everything would be old.
#pragma once

#include "base/clock.h"
#include "daemon/store/store.h"

namespace gitopsd::store {

class Retention {
 public:
  /// Both outlive it.
  Retention(Store& store, const Clock& clock);

  /// Where it is time for that, deletes some of what ended and is older than `keep`. Once the wall clock has
  /// jumped, not until it has gone on evenly for hours. Throws Failure when the store cannot be written.
  void tend(std::chrono::microseconds keep);

 private:
  bool in_doubt();

  Store& store_;
  const Clock& clock_;
  std::chrono::microseconds offset_;  ///< of the wall clock, from the other
  Monotonic::time_point next_, doubtful_until_{};
};

}  // namespace gitopsd::store
