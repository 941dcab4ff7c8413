// Which documents a commit declares, read or rendered: as few as can be where little has changed.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "daemon/render/read_path.h"
#include "daemon/sync/work.h"

namespace gitopsd::sync {

struct Declares {
  std::vector<render::Document> documents;
  std::set<std::string> manifests;  ///< that the documents are of, or were
  /// Only what changed since the application's last sync was read: what other manifests declare stands.
  bool partial = false;
  /// A renderer made all of them anew: those that are as before mean what they meant.
  bool rendered = false;
  std::set<std::string>
      reads;  ///< what a renderer reads: files, folders, and programs by their absolute paths
};

/// `incremental`: the application is at `before.revision`, and nothing but the commit differs. Throws Failure
/// with every problem; `left_out` takes those of files that are read one by one, and of variables.
Declares read_commit(const Scope&, const source::Snapshot&, const store::ApplicationState& before,
                     bool incremental, NeedIndex&, render::LeftOut* left_out = nullptr);

}  // namespace gitopsd::sync
