// Whether one commit leads to another; asked again and again about the same few, so the answers are kept.
#pragma once

#include <map>
#include <mutex>
#include <utility>

#include "daemon/source/depot.h"
#include "daemon/source/mirror.h"

namespace gitopsd::source {

class Reach {
 public:
  /// See Mirror::standing.
  Standing standing(Depot&, const CommitId& commit, const CommitId& tip, const CommitId& applied);

 private:
  bool leads_to(Depot&, const CommitId& from, const CommitId& to);

  std::mutex mutex_;
  std::map<std::pair<CommitId, CommitId>, bool> known_;
};

}  // namespace gitopsd::source
