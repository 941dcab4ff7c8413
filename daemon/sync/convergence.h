// Whether what was applied stays applied (promise 13): a plan that comes back unchanged after its own
// success, three times, is one that its provider never gets done.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/types.h"

namespace gitopsd::sync {

/// What a succeeded sync tells of the resources that it handled.
struct Repetition {
  std::vector<ResourceId> handled;
  /// Of those, what was changed once more though this very document had been applied before: the change.
  std::map<ResourceId, std::string> again;
  std::set<ResourceId> unlike;  ///< of those, what differed from what was applied right afterwards
};

class Convergence {
 public:
  /// Returns what has just turned out not to converge, each once.
  std::vector<ResourceId> succeeded(const Repetition&);
  /// The live state was looked at (of all resources, where `asked` is null): these differ. A change that came
  /// between two equal plans explains the second.
  void looked(const std::vector<ResourceId>& differing, const std::vector<ResourceId>* asked);
  struct Stuck {
    ResourceId id;
    int returns = 0;  ///< how often the same change came back
  };
  std::vector<Stuck> stuck() const;
  /// Somebody says that it is put right. Whether anything was stuck.
  bool settle();

 private:
  struct Record {
    std::string change;
    int returns = 0;
    bool unlike = false, differed = false;
  };
  std::map<ResourceId, Record> records_;
};

}  // namespace gitopsd::sync
