// Two controllers that fight are seen (promise 13): how often and when a resource may be healed.
#pragma once

#include <deque>
#include <map>
#include <vector>

#include "base/clock.h"
#include "base/types.h"

namespace gitopsd::sync {

class Contest {
 public:
  struct Verdict {
    Monotonic::time_point when;  ///< heal at this time; not later than now: at once
    bool contested = false;      ///< healed three times within a minute
    bool say = false;            ///< the first time this is so: say it, once
  };
  /// Asked before a heal; `healed` is told after it began.
  Verdict ask(const ResourceId&, Monotonic::time_point now);
  void healed(const ResourceId&, Monotonic::time_point now);
  /// Those that were contested within the last ten minutes.
  std::vector<ResourceId> contested(Monotonic::time_point now) const;
  /// Forgets resources that were quiet for ten minutes.
  void forget_quiet(Monotonic::time_point now);

 private:
  struct Record {
    std::deque<Monotonic::time_point> heals;  ///< the last three
    int in_a_row = 0;
    bool said = false;
  };
  std::map<ResourceId, Record> records_;
};

}  // namespace gitopsd::sync
