// The revisions that are kept, by name. Also in memory: there are ten for each application, and they are
// asked for after each sync.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "daemon/source/depot.h"

namespace gitopsd::source {

class Pins {
 public:
  explicit Pins(Depot&);
  /// See Mirror.
  void pin(Depot&, const std::string& name, const CommitId&);
  void unpin(Depot&, const std::string& name);
  std::vector<std::string> names() const;
  /// Makes the refs of a new depot say what this says, as far as it has the commits.
  void carry_over(Depot& fresh) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, CommitId> pins_;
};

}  // namespace gitopsd::source
