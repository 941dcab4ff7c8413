// Reads kustomizations: which files and folders a build reads, and, where it is made of resources alone,
// which manifests it is made of, so that those are read like any others and kustomize need not run.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "daemon/render/render.h"

namespace gitopsd::render {

struct Listing {
  /// It and what it names use nothing but `resources`: files, and folders of the same sort.
  bool plain = true;
  /// `reads` is all that a build can read; else it may be anything of the repository.
  bool closed = true;
  std::vector<source::TreeEntry> manifests;  ///< of a plain one, in kustomize's order
  std::set<std::string> kustomizations;      ///< the files themselves
  std::set<std::string> reads;               ///< files, and folders with all below them
  bool charts = false;                       ///< there are helmCharts, which kustomize has Helm inflate
  std::vector<std::string> chart_folders;
};

/// Follows the kustomization of a folder through all that it names. Throws Failure where it names a base
/// or a chart that is not in the repository but on a network.
Listing list_kustomization(const source::Snapshot&, const std::string& folder, const Limits& = {});

/// The documents of a manifest that a plain kustomization lists, without those that kustomize keeps to itself
/// (config.kubernetes.io/local-config). nullopt where kustomize would make something else of the file, or
/// refuse it. Throws Failure for what both refuse.
std::optional<std::vector<Document>> read_listed_manifest(const source::Snapshot&, const source::TreeEntry&,
                                                          const Limits& = {});

/// The folder's kustomization; nullopt where it has none. One of several, where there are several.
std::optional<source::TreeEntry> kustomization_in(const source::Snapshot&, const std::string& folder);
/// kustomization.yaml, kustomization.yml or Kustomization.
bool is_kustomization_name(std::string_view file_name);

}  // namespace gitopsd::render
