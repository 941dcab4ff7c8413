// Reads kustomizations: which files and folders a build reads, and, where it is made of resources alone,
// which manifests it is made of, so that those are read like any others and kustomize need not run.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/render/render.h"

namespace gitopsd::render {

struct Listing;

/// A folder that kustomize builds by itself.
struct Part {
  std::string folder;
  std::string main_file;  ///< its kustomization
  std::shared_ptr<const Listing> listing;
};

struct Listing {
  /// It and what it names use nothing but `resources`: files, and folders of the same sort.
  bool plain = true;
  /// `reads` is all that a build can read; else it may be anything of the repository.
  bool closed = true;
  std::vector<source::TreeEntry> manifests;  ///< that need no kustomize, in its order
  std::set<std::string> kustomizations;      ///< the files themselves
  std::set<std::string> reads;               ///< files, and folders with all below them
  /// The folder has no kustomization itself: what one that was generated for it lists, by their paths.
  std::optional<std::vector<std::string>> generated;
  /// Of a generated one that is not plain: the folders that need kustomize, each by itself, since nothing
  /// that it makes of one changes another; `manifests` are the rest. None where all has to be built together.
  std::vector<Part> parts;
  bool charts = false;  ///< there are helmCharts, which kustomize has Helm inflate
  std::vector<std::string> chart_folders;
};

/// Follows the kustomization of a folder through all that it names. Throws Failure where it names a base
/// or a chart that is not in the repository but on a network.
Listing list_kustomization(const source::Snapshot&, const std::string& folder, const Limits& = {});

/// What a generated kustomization lists.
struct Found {
  std::vector<source::TreeEntry> manifests;  ///< in none of `bases`, by path
  std::vector<std::string> bases;            ///< folders with a kustomization, but for those below another
};

/// What Flux generates a kustomization of where the application's path has none: what it finds below.
Found find_resources(const source::Snapshot&, const config::Application&, const Limits& = {});
/// Follows that generated kustomization through all that it names. Throws Failure like list_kustomization.
Listing list_generated(const source::Snapshot&, const config::Application&, const Limits& = {});

/// The documents of a manifest that a plain kustomization lists, without those that kustomize keeps to itself
/// (config.kubernetes.io/local-config). nullopt where kustomize would make something else of the file, or
/// refuse it. Throws Failure for what both refuse.
std::optional<std::vector<Document>> read_listed_manifest(const source::Snapshot&, const source::TreeEntry&,
                                                          const Limits& = {});

/// The folder's kustomization; nullopt where it has none. One of several, where there are several.
std::optional<source::TreeEntry> kustomization_in(const source::Snapshot&, const std::string& folder);
/// That of the application's path, unless its globs leave it out.
std::optional<source::TreeEntry> root_kustomization(const source::Snapshot&, const config::Application&);
/// kustomization.yaml, kustomization.yml or Kustomization.
bool is_kustomization_name(std::string_view file_name);

}  // namespace gitopsd::render
