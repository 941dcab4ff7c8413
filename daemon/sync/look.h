// A look at the live state of what an application owns.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "daemon/sync/contest.h"
#include "daemon/sync/work.h"

namespace gitopsd::sync {

/// Why a resource is neither healthy nor suspended.
struct Ailing {
  protocol::Health health = protocol::Health::unknown;
  std::string reason;
};

/// What drift waits for that cannot be put back yet.
struct Waits {
  std::string text;  ///< for people, behind "waits for"
  ResourceId on;     ///< the same for all that wait for it; may be another's, or nobody's
};

struct Look {
  std::vector<ResourceId> drifted;
  std::string unknown;  ///< why something could not be compared
  std::map<ResourceId, std::string> reasons;
  std::map<ResourceId, Ailing> ailing;
  std::map<ResourceId, Waits> waits;       ///< of those that drifted
  std::map<ResourceId, Changer> changers;  ///< likewise, as far as the destination tells
  bool any = false;                        ///< it owns something that could be looked at
};

/// `ids` null: all that it owns. `full`: every byte is compared. Throws Failure where the provider does not
/// answer.
Look observe(const Scope&, const std::vector<ResourceId>* ids, bool full);

}  // namespace gitopsd::sync
