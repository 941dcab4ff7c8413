// How problems of a sync are told.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/problem.h"
#include "daemon/render/place.h"

namespace gitopsd::sync {

using render::place;

/// What is wrong with a resource.
struct Refused {
  ResourceId id;
  Problem problem;
};
std::vector<Problem> problems_of(const std::vector<Refused>&);

/// Whether all that these are about can be left out, for the rest to be applied: they are no defect of the
/// daemon or a provider. What passes by itself is waited for instead: throws Failure with that, where there
/// is any.
bool may_be_left_out(const std::vector<Problem>&);

/// A line each, in their order, but what many have in common once, with their number and a few of their
/// names: "the cluster cannot be reached (2,001 resources: ConfigMap/web/a, ... and 1,998 more)".
std::vector<std::string> told_once(const std::vector<Problem>& problems);

/// Each of them on a line, up to 5,000.
std::vector<std::string> told_in_full(const std::vector<Problem>& problems);

/// `lines` of what is left out, and what is not deleted for that: a few of it, or all `in_full`.
std::vector<std::string> left_out_lines(std::vector<std::string> lines,
                                        const std::vector<ResourceId>& put_off, bool in_full);

/// Whether a text is all of the lines.
bool is_whole(std::string_view text, const std::vector<std::string>& lines);
/// The first of them in one text of at most twenty lines.
std::string first_lines(const std::vector<std::string>& lines);
/// The same of told_once, for an event's error.
std::string describe(const std::vector<Problem>& problems);

}  // namespace gitopsd::sync
