#include <set>

#include "daemon/render/kustomization.h"
#include "daemon/render/place.h"
#include "daemon/render/render.h"
#include "daemon/render/repository_path.h"

namespace gitopsd::render {

Renderer renderer_of(const source::Snapshot& snapshot, const config::Application& application) {
  if (application.helm) return Renderer::helm;
  if (!application.kustomize.is_null()) return Renderer::kustomize;
  if (is_looked_for(application, "Chart.yaml") && snapshot.entry(join_path(application.path, "Chart.yaml")))
    return Renderer::helm;
  return root_kustomization(snapshot, application) ? Renderer::kustomize : Renderer::directory;
}

namespace {

std::string_view below(const config::Application& application, const std::string& path) {
  return std::string_view(path).substr(application.path.empty() ? 0 : application.path.size() + 1);
}

std::string_view folder_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == path.npos ? std::string_view() : path.substr(0, slash);
}

/// Every file of the application's path. Throws Failure where that is no folder.
std::vector<source::TreeEntry> all_files(const source::Snapshot& snapshot,
                                         const config::Application& application, const Limits& limits) {
  const std::string& path = application.path;
  const auto refuse = [&](const std::string& what) {
    return Failure(Problem{ProblemCause::input,
                           "application " + application.name.str() + ": " + what,
                           "correct its path, or push the folder",
                           place(snapshot.commit(), path),
                           {}});
  };
  const auto root = snapshot.entry(path);
  if (!root) throw refuse("its path does not exist in this commit");
  switch (root->kind) {
    case source::EntryKind::directory:
      break;
    case source::EntryKind::symlink:
      throw refuse("its path is a symbolic link, and those are not followed");
    case source::EntryKind::submodule:
      throw refuse("its path is a submodule, and those are not fetched");
    default:
      throw refuse("its path is a file, not a folder");
  }
  return snapshot.files(path, limits.files);
}

/// Whether a folder, seen from the application's path, is one of `folders` or lies below one.
bool lies_in(std::string_view folder, const std::set<std::string, std::less<>>& folders) {
  for (;; folder = folder_of(folder)) {
    if (folders.contains(folder)) return true;
    if (folder.empty()) return false;
  }
}

}  // namespace

std::vector<source::TreeEntry> manifests(const source::Snapshot& snapshot,
                                         const config::Application& application, const Limits& limits) {
  std::vector<source::TreeEntry> found;
  for (auto& entry : all_files(snapshot, application, limits))
    if (is_manifest(application, below(application, entry.path))) found.push_back(std::move(entry));
  return found;
}

Found find_resources(const source::Snapshot& snapshot, const config::Application& application,
                     const Limits& limits) {
  auto files = all_files(snapshot, application, limits);
  std::set<std::string, std::less<>> with_kustomization;
  for (const auto& entry : files) {
    const auto path = below(application, entry.path);
    const auto folder = folder_of(path);
    const auto name = path.substr(folder.empty() ? 0 : folder.size() + 1);
    if (!folder.empty() && is_kustomization_name(name) && is_looked_for(application, path))
      with_kustomization.emplace(folder);
  }
  Found found;
  for (const auto& folder : with_kustomization)
    if (!lies_in(folder_of(folder), with_kustomization))
      found.bases.push_back(join_path(application.path, folder));
  for (auto& entry : files) {
    const auto path = below(application, entry.path);
    if (is_manifest(application, path) && !lies_in(folder_of(path), with_kustomization))
      found.manifests.push_back(std::move(entry));
  }
  return found;
}

}  // namespace gitopsd::render
