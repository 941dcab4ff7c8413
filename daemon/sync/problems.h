// How problems of a sync are told.
#pragma once

#include <string>
#include <vector>

#include "base/problem.h"
#include "daemon/render/place.h"

namespace gitopsd::sync {

using render::place;

/// A line each, in their order, but what many have in common once, with their number and a few of their
/// names: "the cluster cannot be reached (2,001 resources: ConfigMap/web/a, ... and 1,998 more)".
std::vector<std::string> told_once(const std::vector<Problem>& problems);

/// The same in one text of at most twenty lines, for an event's error.
std::string describe(const std::vector<Problem>& problems);

}  // namespace gitopsd::sync
