// A folder as the snapshot of a commit that would hold all that lies in it, so that a checkout is read as the
// daemon reads a repository. Folders that are repositories themselves, and .git, are passed over.
#pragma once

#include <filesystem>

#include "daemon/source/mirror.h"

namespace gitopsd::ctl {

class FolderSnapshot : public source::Snapshot {
 public:
  explicit FolderSnapshot(std::filesystem::path root) : root_(std::move(root)) {}

  const CommitId& commit() const override { return commit_; }
  std::optional<source::TreeEntry> entry(const std::string& path) const override;
  std::vector<source::TreeEntry> files(const std::string& path, std::size_t limit) const override;
  std::string read(const CommitId& blob, const std::string& path, std::size_t limit) const override;
  /// None: there is no older one.
  std::vector<Change> changes_since(const Snapshot&, const std::string&) const override { return {}; }
  std::string subject() const override { return {}; }
  std::string author() const override { return {}; }

 private:
  std::filesystem::path root_;
  CommitId commit_;  ///< empty
};

}  // namespace gitopsd::ctl
