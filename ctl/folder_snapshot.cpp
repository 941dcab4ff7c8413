#include "ctl/folder_snapshot.h"

#include <algorithm>

#include "base/file.h"
#include "base/hash.h"
#include "base/problem.h"

namespace gitopsd::ctl {
namespace {

namespace fs = std::filesystem;
using source::EntryKind;

bool is_repository(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(folder / ".git", ignored));
}

/// nullopt for what Git keeps nothing of, such as a socket.
std::optional<EntryKind> kind_of(const fs::path& file) {
  std::error_code ignored;
  const auto status = fs::symlink_status(file, ignored);
  if (fs::is_symlink(status)) return EntryKind::symlink;
  if (fs::is_directory(status)) return is_repository(file) ? EntryKind::submodule : EntryKind::directory;
  if (!fs::is_regular_file(status)) return std::nullopt;
  const bool runs = (status.permissions() & fs::perms::owner_exec) != fs::perms::none;
  return runs ? EntryKind::executable : EntryKind::file;
}

source::TreeEntry entry_of(const std::string& path, EntryKind kind) {
  // Nothing changes while this runs: the path says which bytes they are.
  return {path, *CommitId::parse(to_hex(sha256(path)).substr(0, 40)), kind};
}

void add_files(const fs::path& folder, const std::string& path, std::size_t limit,
               std::vector<source::TreeEntry>& out) {
  for (const auto& item : fs::directory_iterator(folder)) {
    const std::string name = item.path().filename().string();
    const auto kind = kind_of(item.path());
    if (name == ".git" || !kind || kind == EntryKind::submodule) continue;
    const std::string below = path.empty() ? name : path + "/" + name;
    if (kind == EntryKind::directory)
      add_files(item.path(), below, limit, out);
    else
      out.push_back(entry_of(below, *kind));
    if (out.size() > limit)
      throw fail(ProblemCause::input, "more than " + std::to_string(limit) + " files below " + path);
  }
}

}  // namespace

std::optional<source::TreeEntry> FolderSnapshot::entry(const std::string& path) const {
  if (path.empty()) return entry_of(path, EntryKind::directory);
  fs::path at = root_;
  std::optional<EntryKind> kind = EntryKind::directory;
  for (const auto& component : fs::path(path)) {
    if (kind != EntryKind::directory || component == ".." || component == ".git") return std::nullopt;
    at /= component;
    kind = kind_of(at);
  }
  return kind ? std::optional(entry_of(path, *kind)) : std::nullopt;
}

std::vector<source::TreeEntry> FolderSnapshot::files(const std::string& path, std::size_t limit) const {
  std::vector<source::TreeEntry> out;
  add_files(path.empty() ? root_ : root_ / path, path, limit, out);
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return out;
}

std::string FolderSnapshot::read(const CommitId&, const std::string& path, std::size_t limit) const {
  const fs::path file = root_ / path;
  if (fs::is_symlink(file)) return fs::read_symlink(file).string();
  return read_file(file.string(), limit);
}

}  // namespace gitopsd::ctl
