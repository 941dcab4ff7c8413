// Declarations move from one application to another: what they mean goes along, and nothing is deleted.
//
// The owner lets go, nobody takes. Before it deletes what it no longer declares, it asks whether another
// application of the destination declares that, each at the commit to which it goes; then the entry of the
// inventory becomes the other's. The mark at the destination follows with the other's next sync or heal.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "daemon/sync/work.h"

namespace gitopsd::sync {

/// Another application of the destination.
struct Other {
  Scope scope;
  store::ApplicationState state;
  CommitId wanted;  ///< where it goes by what is known: of its newest job, or the tip that was seen last
};

struct Heir {
  ApplicationUid uid;
  ApplicationName name;
  CommitId at;  ///< at which it declares it
};

struct Heirs {
  std::map<ResourceId, Heir> of;
  /// What may have one: an application that follows the same ref cannot be read.
  std::set<ResourceId> unsure;
  std::string unreadable;  ///< which, for people
  ApplicationUid who;
};

/// Who declares these, which an application owns that goes to `revision` from `before`. `revision` empty: it
/// is about no commit of its ref. Costs nothing for others that are as they were applied.
Heirs heirs_of(const Scope&, const CommitId& revision, const CommitId& before,
               const std::vector<store::InventoryEntry>&);

/// Those that their owner, another application, no longer declares: it is about to let go of them.
std::set<ResourceId> let_go_soon(const Scope&, const CommitId& revision, const ApplicationUid& owner,
                                 const std::vector<ResourceId>&);

}  // namespace gitopsd::sync
