// Walking below a path of a tree, bounded in entries, depth and length of names.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/source/object.h"

namespace gitopsd::source {

/// Largest tree object that is read, some 200,000 entries of one folder.
inline constexpr std::size_t kTreeBytes = 16u << 20;

/// Where trees are read from, and how failures begin ("commit ID").
struct Trees {
  Depot& depot;
  const Depot::Lease& lease;
  std::string where;

  GitObject open(const CommitId& directory, const std::string& path) const;
  std::vector<TreeItem> items(const GitObject&, const std::string& path) const;
};

class TreeWalk {
 public:
  using VisitEntry = std::function<void(TreeEntry)>;
  using VisitChange = std::function<void(Snapshot::Change)>;

  /// At most `limit` files and folders are visited.
  TreeWalk(const Trees& trees, std::size_t limit) : trees_(trees), limit_(limit) {}

  /// Every file and symbolic link below `directory`, in Git's order. Throws Failure (cause input): a
  /// submodule, a name that is not safe, limits.
  void files(const CommitId& directory, const std::string& path, const VisitEntry& visit);

  /// What differs from `before` (of `older`) to `after` (of these trees), two directories at the same path;
  /// an empty id is an empty directory. Directories that are equal are not opened.
  void differences(const Trees& older, const CommitId& before, const CommitId& after, const std::string& path,
                   const VisitChange& visit);

 private:
  std::string below(const std::string& path, const TreeItem&);
  TreeEntry wanted(const TreeItem&, std::string path) const;
  void removed(const Trees& older, const TreeItem&, const std::string& path, const VisitChange& visit);
  void added(const TreeItem&, const std::string& path, const VisitChange& visit);
  void both(const Trees& older, const TreeItem& before, const TreeItem& after, const std::string& path,
            const VisitChange& visit);

  Trees trees_;
  std::size_t limit_;
  std::size_t visited_ = 0;
};

}  // namespace gitopsd::source
