// Two controllers that fight are seen (promise 13): how often and when a resource may be healed.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/types.h"

namespace gitopsd::sync {

/// Who changed a resource last, and when, as far as its destination tells.
struct Changer {
  std::string by, at;
};

class Contest {
 public:
  struct Verdict {
    Monotonic::time_point when;  ///< heal at this time; not later than now: at once
    bool contested = false;      ///< healed three times within a minute
    bool say = false;            ///< the first time this is so: say it, once
  };
  struct Fight {
    ResourceId id;
    Changer changer;
    int heals = 0;                ///< since it was quiet for ten minutes
    Monotonic::time_point until;  ///< no heal before
  };
  /// Asked before a heal; `healed` is told after it began.
  Verdict ask(const ResourceId&, Monotonic::time_point now, const Changer& = {});
  void healed(const ResourceId&, Monotonic::time_point now);
  /// Those that were contested within the last ten minutes.
  std::vector<Fight> fights(Monotonic::time_point now) const;
  /// Forgets resources that were quiet for ten minutes.
  void forget_quiet(Monotonic::time_point now);
  /// Somebody says that the fights are over. Whether there were any.
  bool settle();

 private:
  struct Record {
    std::deque<Monotonic::time_point> heals;  ///< the last three
    int in_a_row = 0;
    bool said = false;
    Changer changer;
    Monotonic::time_point next() const;
  };
  std::map<ResourceId, Record> records_;
};

}  // namespace gitopsd::sync
