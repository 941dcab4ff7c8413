// How problems of a snapshot's files name their place.
#pragma once

#include <string>

#include "base/types.h"

namespace gitopsd::render {

/// `COMMIT:PATH`, as git show(1) takes it.
inline std::string place(const CommitId& commit, const std::string& path) {
  return commit.short_str() + ":" + path;
}

}  // namespace gitopsd::render
