// The charts that a kustomization names (helmCharts, helmGlobals): kustomize has Helm inflate those that lie
// in the repository.
#pragma once

#include <string>
#include <vector>

#include "base/problem.h"
#include "base/value.h"
#include "daemon/source/mirror.h"

namespace gitopsd::render {

struct ChartReferences {
  std::vector<std::string> reads;   ///< files, and folders with all below them
  std::vector<std::string> charts;  ///< their folders
  bool closed = true;               ///< `reads` is all that Helm can read of them
  std::vector<Problem> problems;    ///< charts that would have to be fetched, or are not there
};

/// Those of the kustomization `json`, which is `file` in `folder`.
ChartReferences chart_references(const source::Snapshot&, const std::string& folder,
                                 const source::TreeEntry& file, const Value& json);

}  // namespace gitopsd::render
