#include "daemon/render/bases.h"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <vector>

#include "base/yaml.h"
#include "daemon/render/kustomization.h"
#include "daemon/render/place.h"
#include "daemon/render/repository_path.h"

namespace gitopsd::render {
namespace {

/// From a file in `folder` to a path from the root.
std::string way_from(const std::string& folder, const std::string& path) {
  if (folder.empty()) return path;
  std::string up = "../";
  for (const char c : folder)
    if (c == '/') up += "../";
  return up + path;
}

/// A reference where it stands, and the path that it becomes.
struct Named {
  std::string text, path;
  Position position;
};

/// Only in its own line: what is not written as it is meant (escapes) stays, and is refused as any other.
void replace_at(std::string& text, const Named& named) {
  std::size_t begin = 0;
  for (int line = 1; line < named.position.line; ++line) {
    begin = text.find('\n', begin);
    if (begin == text.npos) return;
    ++begin;
  }
  const auto end = std::min(text.find('\n', begin), text.size());
  const auto at =
      text.find(named.text, begin + static_cast<std::size_t>(std::max(named.position.column - 1, 0)));
  if (at < end) text.replace(at, named.text.size(), named.path);
}

class SnapshotWithBases : public source::Snapshot {
 public:
  SnapshotWithBases(std::shared_ptr<const source::Snapshot> inner, std::shared_ptr<Bases> bases)
      : inner_(std::move(inner)), bases_(std::move(bases)) {}

  const CommitId& commit() const override { return inner_->commit(); }
  std::string subject() const override { return inner_->subject(); }
  std::string author() const override { return inner_->author(); }

  std::optional<source::TreeEntry> entry(const std::string& path) const override {
    if (!is_in_bases(path)) return inner_->entry(path);
    const auto [base, below] = base_of(path);
    auto found = base ? base->entry(below) : std::nullopt;
    if (found) found->path = path;
    return found;
  }

  std::vector<source::TreeEntry> files(const std::string& path, std::size_t limit) const override {
    const auto [base, below] = base_of(path);
    if (!base) return inner_->files(path, limit);
    auto found = base->files(below, limit);
    const std::string root = path.substr(0, path.size() - below.size());
    for (auto& file : found)
      file.path = join_path(root.ends_with('/') ? root.substr(0, root.size() - 1) : root, file.path);
    return found;
  }

  std::string read(const CommitId& blob, const std::string& path, std::size_t limit) const override {
    const auto [base, below] = base_of(path);
    std::string text = base ? base->read(blob, below, limit) : inner_->read(blob, path, limit);
    const auto slash = path.rfind('/');
    const auto name = std::string_view(path).substr(slash == path.npos ? 0 : slash + 1);
    if (!is_kustomization_name(name)) return text;
    return with_copies(std::move(text), path, slash == path.npos ? std::string() : path.substr(0, slash));
  }

  std::vector<Change> changes_since(const source::Snapshot& older, const std::string& path) const override {
    if (is_in_bases(path)) return {};
    const auto* other = dynamic_cast<const SnapshotWithBases*>(&older);
    return inner_->changes_since(other ? *other->inner_ : older, path);
  }

 private:
  using Base = std::shared_ptr<const source::Snapshot>;

  /// The other repository's tree that a path is of, and the path in that; none for those of this repository,
  /// and for commits that no kustomization has named.
  std::pair<Base, std::string> base_of(const std::string& path) const {
    if (!is_in_bases(path) || path.size() <= kBasesFolder.size() + 1) return {};
    const std::string rest = path.substr(kBasesFolder.size() + 1);
    const auto slash = std::min(rest.find('/'), rest.size());
    const std::lock_guard lock(mutex_);
    const auto it = found_.find(rest.substr(0, slash));
    if (it == found_.end()) return {};
    return {it->second, rest.substr(std::min(slash + 1, rest.size()))};
  }

  std::string with_copies(std::string text, const std::string& file, const std::string& folder) const {
    std::vector<Named> all;
    for (const Value& kustomization : documents_of(text, file))
      for (const char* key : {"resources", "bases", "components"})
        for (const Value& reference : kustomization.get_array(key))
          if (reference.is_string()) find_base(reference, file, folder, all);
    // From the last to the first: what is replaced moves nothing that is still to be.
    std::sort(all.begin(), all.end(), [](const Named& a, const Named& b) {
      return std::pair(a.position.line, a.position.column) > std::pair(b.position.line, b.position.column);
    });
    for (const auto& named : all) replace_at(text, named);
    return text;
  }

  /// What is wrong with it is told by whoever builds it.
  static std::vector<Value> documents_of(const std::string& text, const std::string& file) try {
    auto documents = parse_yaml(text, file);
    std::erase_if(documents, [](const Value& each) { return !each.is_object(); });
    return documents;
  } catch (const Failure&) {
    return {};
  }

  void find_base(const Value& reference, const std::string& file, const std::string& folder,
                 std::vector<Named>& all) const {
    const auto remote = remote_reference(reference.as_string());
    if (!remote) return;
    Base base;
    try {
      base = bases_->find(*remote);
    } catch (const Failure& failure) {
      auto problems = failure.problems();
      for (auto& problem : problems) {
        problem.message = "\"" + reference.as_string() + "\": " + problem.message;
        problem.file = place(commit(), file);
        problem.position = reference.position;
      }
      throw BaseRefused(std::move(problems));
    }
    if (!base) return;
    const std::string id = base->commit().str();
    all.push_back({reference.as_string(),
                   way_from(folder, join_path(join_path(std::string(kBasesFolder), id), remote->path)),
                   reference.position});
    const std::lock_guard lock(mutex_);
    found_.emplace(id, base);
  }

  const std::shared_ptr<const source::Snapshot> inner_;
  const std::shared_ptr<Bases> bases_;
  mutable std::mutex mutex_;
  mutable std::map<std::string, Base> found_;  ///< by commit
};

}  // namespace

bool is_in_bases(std::string_view path) {
  return path.starts_with(kBasesFolder) &&
         (path.size() == kBasesFolder.size() || path[kBasesFolder.size()] == '/');
}

std::shared_ptr<const source::Snapshot> with_bases(std::shared_ptr<const source::Snapshot> inner,
                                                   std::shared_ptr<Bases> bases) {
  if (!bases) return inner;
  return std::make_shared<SnapshotWithBases>(std::move(inner), std::move(bases));
}

}  // namespace gitopsd::render
