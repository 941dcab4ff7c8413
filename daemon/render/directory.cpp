#include "daemon/render/kustomization.h"
#include "daemon/render/place.h"
#include "daemon/render/render.h"
#include "daemon/render/repository_path.h"

namespace gitopsd::render {

Renderer renderer_of(const source::Snapshot& snapshot, const config::Application& application) {
  if (application.helm) return Renderer::helm;
  if (!application.kustomize.is_null()) return Renderer::kustomize;
  if (!application.include.empty() || !application.exclude.empty()) return Renderer::directory;
  if (snapshot.entry(join_path(application.path, "Chart.yaml"))) return Renderer::helm;
  return kustomization_in(snapshot, application.path) ? Renderer::kustomize : Renderer::directory;
}

std::vector<source::TreeEntry> manifests(const source::Snapshot& snapshot,
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
  std::vector<source::TreeEntry> found;
  for (auto& entry : snapshot.files(path, limits.files)) {
    const std::string_view below = std::string_view(entry.path).substr(path.empty() ? 0 : path.size() + 1);
    if (is_manifest(application, below)) found.push_back(std::move(entry));
  }
  return found;
}

}  // namespace gitopsd::render
