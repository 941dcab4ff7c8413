// The tree of one commit, read from a depot.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "daemon/source/depot.h"
#include "daemon/source/mirror.h"
#include "daemon/source/object.h"
#include "daemon/source/walk.h"

namespace gitopsd::source {

class DepotSnapshot : public Snapshot {
 public:
  /// Throws Failure where the commit is not there.
  DepotSnapshot(std::shared_ptr<Depot> depot, const CommitId& commit);
  ~DepotSnapshot() override;

  const CommitId& commit() const override { return commit_; }
  std::optional<TreeEntry> entry(const std::string& path) const override;
  std::vector<TreeEntry> files(const std::string& path, std::size_t limit) const override;
  std::string read(const CommitId& blob, const std::string& path, std::size_t limit) const override;
  std::vector<Change> changes_since(const Snapshot& older, const std::string& path) const override;
  std::string subject() const override { return text_.subject; }
  std::string author() const override { return text_.author; }

 private:
  struct Folder {
    CommitId id;
    GitObject object;
    std::vector<TreeItem> items;  ///< views into `object`
  };
  std::shared_ptr<const Folder> open(const Trees&, const TreeEntry& at) const;
  /// "commit ID: PATH", for failures.
  std::string where(const std::string& path) const;
  std::optional<TreeEntry> find(const Depot::Lease&, const std::string& path) const;

  std::shared_ptr<Depot> depot_;
  CommitId commit_;
  CommitText text_;
  mutable std::mutex mutex_;
  mutable std::deque<std::shared_ptr<const Folder>> recent_;  ///< guarded by mutex_
};

}  // namespace gitopsd::source
