#include "daemon/source/walk.h"

#include <algorithm>

#include "daemon/source/operation.h"

namespace gitopsd::source {

namespace {

constexpr std::size_t kPathBytes = 4096;
constexpr int kDepth = 128;

}  // namespace

GitObject Trees::open(const CommitId& directory, const std::string& path) const {
  return read_object(depot, lease, directory, GIT_OBJECT_TREE, kTreeBytes,
                     where + ": " + (path.empty() ? "/" : path));
}

std::vector<TreeItem> Trees::items(const GitObject& tree, const std::string& path) const {
  return parse_tree(bytes_of(tree), where + ": " + (path.empty() ? "/" : path));
}

std::string TreeWalk::below(const std::string& path, const TreeItem& item) {
  std::string out = path.empty() ? std::string(item.name) : path + "/" + std::string(item.name);
  // Folders count too: a tree that names one subtree ten times, ten levels deep, holds 10^10 of them in 11
  // objects.
  if (++visited_ > limit_)
    throw fail(ProblemCause::input,
               trees_.where + ": " + out + ": more than " + std::to_string(limit_) + " files and folders",
               "let the application's path name a smaller folder");
  if (out.size() > kPathBytes || std::count(out.begin(), out.end(), '/') > kDepth)
    throw fail(
        ProblemCause::input, trees_.where + ": " + printable(out, 200) + ": folders nested too deep",
        "the limits are " + std::to_string(kDepth) + " levels and " + std::to_string(kPathBytes) + " bytes");
  return out;
}

TreeEntry TreeWalk::wanted(const TreeItem& item, std::string path) const {
  if (item.kind == EntryKind::submodule)
    throw fail(ProblemCause::input, trees_.where + ": " + path + " is a submodule, which is not followed",
               "copy its files into this repository, or let the application's path leave it out");
  return {std::move(path), item.id(), item.kind};
}

void TreeWalk::files(const CommitId& directory, const std::string& path, const VisitEntry& visit) {
  const GitObject tree = trees_.open(directory, path);
  for (const TreeItem& item : trees_.items(tree, path)) {
    std::string name = below(path, item);
    if (item.kind == EntryKind::directory) {
      files(item.id(), name, visit);
    } else {
      visit(wanted(item, std::move(name)));
    }
  }
}

void TreeWalk::removed(const Trees& older, const TreeItem& item, const std::string& path,
                       const VisitChange& visit) {
  std::string name = below(path, item);
  if (item.kind == EntryKind::directory) {
    differences(older, item.id(), {}, name, visit);
  } else {
    visit({name, TreeEntry{name, item.id(), item.kind}, std::nullopt});
  }
}

void TreeWalk::added(const TreeItem& item, const std::string& path, const VisitChange& visit) {
  std::string name = below(path, item);
  if (item.kind == EntryKind::directory) {
    differences(trees_, {}, item.id(), name, visit);
  } else {
    visit({name, std::nullopt, wanted(item, name)});
  }
}

void TreeWalk::both(const Trees& older, const TreeItem& before, const TreeItem& after,
                    const std::string& path, const VisitChange& visit) {
  if (before.raw_id == after.raw_id && before.kind == after.kind) return;
  std::string name = below(path, after);
  // Git's order keeps a folder and a file of one name apart, so both are folders or neither is.
  if (after.kind == EntryKind::directory) {
    differences(older, before.id(), after.id(), name, visit);
  } else {
    visit({name, TreeEntry{name, before.id(), before.kind}, wanted(after, name)});
  }
}

void TreeWalk::differences(const Trees& older, const CommitId& before, const CommitId& after,
                           const std::string& path, const VisitChange& visit) {
  if (before == after) return;
  const GitObject old_tree = before.empty() ? nullptr : older.open(before, path);
  const GitObject new_tree = after.empty() ? nullptr : trees_.open(after, path);
  const auto old_items = old_tree ? older.items(old_tree, path) : std::vector<TreeItem>();
  const auto new_items = new_tree ? trees_.items(new_tree, path) : std::vector<TreeItem>();
  auto a = old_items.begin();
  auto b = new_items.begin();
  while (a != old_items.end() || b != new_items.end()) {
    const int order = a == old_items.end() ? 1 : b == new_items.end() ? -1 : compare_items(*a, *b);
    if (order < 0) {
      removed(older, *a++, path, visit);
    } else if (order > 0) {
      added(*b++, path, visit);
    } else {
      both(older, *a++, *b++, path, visit);
    }
  }
}

}  // namespace gitopsd::source
