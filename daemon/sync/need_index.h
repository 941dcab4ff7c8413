// Which manifest needs which other files of the repository: kept in memory per application, so that a changed
// content file leads to its manifest without reading all that the application declares. And which manifests a
// kustomization lists, which resources are hooks, and the digests of those files, for the same reason.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "daemon/render/kustomization.h"
#include "daemon/store/store.h"
#include "daemon/sync/blob_facts.h"
#include "daemon/sync/input_key.h"
#include "daemon/sync/item.h"

namespace gitopsd::sync {

/// What a kustomization lists.
struct Listed {
  render::Listing listing;
  std::set<std::string> manifests;  ///< of the listing, by path
};

class NeedIndex {
 public:
  bool loaded() const { return loaded_; }
  void load(const std::vector<store::Declared>& declared);
  /// Of a file: those that need it, or a folder that it is in.
  std::set<std::string> manifests_needing(const std::string& path) const;
  /// `manifests` were read again and declare `items` now.
  void update(const std::set<std::string>& manifests, const std::vector<Item>& items);
  /// The hooks among what is declared, but for those that `manifests` declare.
  std::vector<ResourceId> hooks_without(const std::set<std::string>& manifests) const;
  /// Needs that lie outside `application_path`, sorted.
  OutsidePaths outside(const std::string& application_path) const;

  /// Of the last commit that was read, so that the next one need not read it again where it did not change.
  std::shared_ptr<const Listed> listed;
  CommitId listed_at;

  BlobMemory files;  ///< that documents need

 private:
  bool loaded_ = false;
  std::map<std::string, Needs> by_manifest_;
  std::map<std::string, std::set<std::string>> by_need_;
  std::map<std::string, std::set<ResourceId>> hooks_;  ///< by manifest
};

}  // namespace gitopsd::sync
