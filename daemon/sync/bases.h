// Commits of configured repositories that an application's kustomizations may build on.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "config/config.h"
#include "daemon/render/bases.h"

namespace gitopsd::sync {

/// What tags of repositories were seen to name. Thread-safe.
class BaseTags {
 public:
  /// Whether `commit` names it was found out within this time; nothing where that was longer ago, or never.
  std::optional<CommitId> fresh(const std::string& tag) const;
  /// However long ago.
  std::optional<CommitId> last(const std::string& tag) const;
  void put(const std::string& tag, const CommitId&);

 private:
  struct Seen {
    CommitId commit;
    Monotonic::time_point when;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Seen> seen_;
};

/// Fetches what is not here, and reads credentials only then: exactly a commit by its full id, or what a tag
/// names. a commit declares must not change with another repository.
class RepositoryBases : public render::Bases {
 public:
  struct Repository {
    config::Repository config;
    std::shared_ptr<source::Mirror> mirror;
  };
  RepositoryBases(std::vector<Repository> allowed, std::shared_ptr<BaseTags> tags);
  std::shared_ptr<const source::Snapshot> find(const render::RemoteReference&) override;

 private:
  CommitId commit_of_tag(const Repository&, const std::string& name);
  void fetch(const Repository&, const CommitId&);

  const std::vector<Repository> allowed_;
  const std::shared_ptr<BaseTags> tags_;
  const source::Cancel never_;
};

}  // namespace gitopsd::sync
