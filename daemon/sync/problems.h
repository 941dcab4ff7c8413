// How problems of a sync are told.
#pragma once

#include <string>
#include <vector>

#include "base/problem.h"
#include "daemon/render/place.h"

namespace gitopsd::sync {

using render::place;

/// All problems, one a line, at most twenty, for an event's error.
std::string describe(const std::vector<Problem>& problems);

}  // namespace gitopsd::sync
