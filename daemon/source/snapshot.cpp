#include "daemon/source/snapshot.h"

#include <algorithm>
#include <utility>

#include "daemon/source/operation.h"
#include "daemon/source/walk.h"

namespace gitopsd::source {

namespace {

constexpr std::size_t kChanges = 1'000'000;
constexpr std::size_t kPointerBytes = 1024;
constexpr std::size_t kKeptFolders = 8;
constexpr std::size_t kKeptFolderBytes = 1u << 20;
constexpr std::string_view kPointer = "version https://git-lfs.github.com/spec/v1";

/// The first component of a path, taken off its front.
std::string_view take_component(std::string_view& path) {
  const auto slash = path.find('/');
  const std::string_view out = path.substr(0, slash);
  path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  return out;
}

void check_path(const std::string& where, std::string_view path) {
  if (path.empty()) return;
  std::string_view rest = path;
  bool good = !path.ends_with('/') && path.find('\0') == std::string_view::npos;
  while (good && !rest.empty()) {
    const std::string_view part = take_component(rest);
    good = !part.empty() && part != "." && part != "..";
  }
  if (!good)
    throw fail(ProblemCause::input, where + " is no path inside the repository",
               "write it without \"..\", \".\", \"//\" and without a slash at either end");
}

CommitText read_commit(Depot& depot, const CommitId& commit) {
  const auto lease = depot.lease();
  const auto header = object_header(lease, commit);
  if (!header || header->type != GIT_OBJECT_COMMIT)
    throw fail(ProblemCause::input, "commit " + commit.str() + " is not in the mirror",
               "the ref no longer leads to it, or it was never pushed");
  const std::string what = "commit " + commit.str();
  const GitObject object = read_object(depot, lease, commit, GIT_OBJECT_COMMIT, kCommitBytes, what);
  auto text = parse_commit(bytes_of(object));
  if (!text) throw fail(ProblemCause::input, what + " has not the form of a commit");
  text->author = printable(text->author, 200);
  text->subject = printable(text->subject, 200);
  return *text;
}

}  // namespace

DepotSnapshot::DepotSnapshot(std::shared_ptr<Depot> depot, const CommitId& commit)
    : depot_(std::move(depot)), commit_(commit), text_(read_commit(*depot_, commit)) {
  depot_->hold(commit_);
}

DepotSnapshot::~DepotSnapshot() {
  depot_->release(commit_);
}

std::string DepotSnapshot::where(const std::string& path) const {
  return "commit " + commit_.str() + ": " + (path.empty() ? "/" : path);
}

/// Every application of a repository is looked up in the same few folders.
std::shared_ptr<const DepotSnapshot::Folder> DepotSnapshot::open(const Trees& trees,
                                                                 const TreeEntry& at) const {
  {
    const std::lock_guard lock(mutex_);
    for (const auto& folder : recent_)
      if (folder->id == at.id) return folder;
  }
  auto folder = std::make_shared<Folder>();
  folder->id = at.id;
  folder->object = trees.open(at.id, at.path);
  folder->items = trees.items(folder->object, at.path);
  if (bytes_of(folder->object).size() > kKeptFolderBytes) return folder;
  const std::lock_guard lock(mutex_);
  if (recent_.size() == kKeptFolders) recent_.pop_back();
  recent_.push_front(folder);
  return folder;
}

std::optional<TreeEntry> DepotSnapshot::find(const Depot::Lease& lease, const std::string& path) const {
  check_path(where(path), path);
  const Trees trees{*depot_, lease, "commit " + commit_.str()};
  TreeEntry at{"", text_.tree, EntryKind::directory};
  std::string_view rest = path;
  while (!rest.empty()) {
    if (at.kind != EntryKind::directory) return std::nullopt;
    const std::string_view name = take_component(rest);
    const auto folder = open(trees, at);
    const TreeItem* found = find_item(folder->items, name);
    if (found == nullptr) return std::nullopt;
    at = {path.substr(0, static_cast<std::size_t>(name.data() + name.size() - path.data())), found->id(),
          found->kind};
  }
  return at;
}

std::optional<TreeEntry> DepotSnapshot::entry(const std::string& path) const {
  const auto lease = depot_->lease();
  return find(lease, path);
}

std::vector<TreeEntry> DepotSnapshot::files(const std::string& path, std::size_t limit) const {
  const auto lease = depot_->lease();
  const auto at = find(lease, path);
  if (!at) throw fail(ProblemCause::input, where(path) + " does not exist");
  if (at->kind != EntryKind::directory) throw fail(ProblemCause::input, where(path) + " is no folder");
  std::vector<TreeEntry> out;
  TreeWalk walk({*depot_, lease, "commit " + commit_.str()}, limit);
  walk.files(at->id, path, [&](TreeEntry entry) { out.push_back(std::move(entry)); });
  // Git sorts "a.b" before "a/b" and after "a-b"; people and callers sort whole paths.
  std::sort(out.begin(), out.end(), [](const TreeEntry& a, const TreeEntry& b) { return a.path < b.path; });
  return out;
}

std::string DepotSnapshot::read(const CommitId& blob, const std::string& path, std::size_t limit) const {
  const auto lease = depot_->lease();
  const GitObject object = read_object(*depot_, lease, blob, GIT_OBJECT_BLOB, limit, where(path));
  const std::string_view bytes = bytes_of(object);
  if (bytes.size() < kPointerBytes && bytes.starts_with(kPointer))
    throw fail(
        ProblemCause::input, where(path) + " is a Git LFS pointer, and its content is not in the repository",
        "store the file itself in Git (git lfs migrate export), or leave it out of the application's path");
  return std::string(bytes);
}

std::vector<Snapshot::Change> DepotSnapshot::changes_since(const Snapshot& older,
                                                           const std::string& path) const {
  const auto* const other = dynamic_cast<const DepotSnapshot*>(&older);
  if (other == nullptr)
    throw fail(ProblemCause::internal, where(path) + ": can only be compared with a snapshot of a mirror");
  const auto lease = depot_->lease();
  const auto old_lease = other->depot_->lease();
  auto before = other->find(old_lease, path), after = find(lease, path);
  std::vector<Change> out;
  // What is no folder is a change by itself; the walk then sees an empty folder on that side.
  CommitId old_folder, new_folder;
  const bool same = before && after && before->id == after->id && before->kind == after->kind;
  if (before && before->kind == EntryKind::directory) old_folder = std::exchange(before, std::nullopt)->id;
  if (after && after->kind == EntryKind::directory) new_folder = std::exchange(after, std::nullopt)->id;
  if (!same && (before || after)) out.push_back({path, before, after});
  TreeWalk walk({*depot_, lease, "commit " + commit_.str()}, kChanges);
  walk.differences({*other->depot_, old_lease, "commit " + other->commit_.str()}, old_folder, new_folder,
                   path, [&](Change change) { out.push_back(std::move(change)); });
  return out;
}

}  // namespace gitopsd::source
