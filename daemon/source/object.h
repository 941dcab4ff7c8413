// Objects as Git stores them: read with a bound, and taken apart without trust.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/source/depot.h"
#include "daemon/source/mirror.h"

namespace gitopsd::source {

/// A commit larger than this is not read.
inline constexpr std::size_t kCommitBytes = 1u << 20;

struct ObjectHeader {
  git_object_t type = GIT_OBJECT_INVALID;
  std::size_t size = 0;
};

/// From the header alone; nullopt: not here.
std::optional<ObjectHeader> object_header(const Depot::Lease&, const CommitId&);

/// The one object whose id begins with these hexadecimal digits; nullopt: none here. Throws Failure (cause
/// input) where there are several.
std::optional<CommitId> find_object(const Depot::Lease&, const std::string& prefix);

/// The bytes of an object of that type and at most `limit` bytes. Throws Failure (about `what`); an object
/// that is missing or broken marks the depot damaged.
GitObject read_object(Depot&, const Depot::Lease&, const CommitId&, git_object_t type, std::size_t limit,
                      std::string_view what);
std::string_view bytes_of(const GitObject&);

/// An entry of a tree. `name` points into the tree's bytes.
struct TreeItem {
  std::string_view name;
  std::string_view raw_id;  ///< 20 bytes
  EntryKind kind = EntryKind::file;
  CommitId id() const;
};

/// Git's order of names: a directory sorts as if its name ended in "/".
int compare_items(const TreeItem&, const TreeItem&);

/// The item of that name among those of one tree, or nullptr.
const TreeItem* find_item(const std::vector<TreeItem>&, std::string_view name);

/// Throws Failure (cause input, about `where`): not a tree, out of order, and names that could leave the tree
/// or name Git's own files ("..", ".git", "a/b", ...).
std::vector<TreeItem> parse_tree(std::string_view bytes, std::string_view where);

struct CommitText {
  CommitId tree;
  std::vector<CommitId> parents;
  std::string author;
  std::string subject;
};
/// nullopt: not the form of a commit.
std::optional<CommitText> parse_commit(std::string_view bytes);

/// What tags lead to: a commit is itself; nullopt: not here, or no commit at the end.
std::optional<CommitId> peel_to_commit(Depot&, const Depot::Lease&, const CommitId&);

}  // namespace gitopsd::source
