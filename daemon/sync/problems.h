// How problems of a sync name their place.
#pragma once

#include <string>
#include <vector>

#include "base/problem.h"
#include "base/types.h"

namespace gitopsd::sync {

/// `COMMIT:PATH`, as git show(1) takes it.
inline std::string place(const CommitId& commit, const std::string& path) {
  return commit.short_str() + ":" + path;
}

/// All problems, one a line, at most twenty, for an event's error.
std::string describe(const std::vector<Problem>& problems);

}  // namespace gitopsd::sync
