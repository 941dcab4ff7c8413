// Which tag a pattern such as refs/tags/v* means: the highest by semantic versioning (semver.org 2.0.0,
// section 11).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/types.h"

namespace gitopsd::sync {

/// Whether a configured ref follows `ref`: equal, or a pattern with one trailing `*` whose head it starts
/// with.
bool follows(std::string_view configured, const Ref& ref);
bool is_pattern(std::string_view configured);

/// Negative, 0, positive as for strcmp; what is no version sorts below every version, by bytes.
int compare_versions(std::string_view a, std::string_view b);

/// The highest ref that the pattern matches. Pre-releases count only where the pattern itself holds a '-'.
std::optional<Ref> highest(std::string_view pattern, const std::vector<Ref>& refs);

/// The ref that a configured one means among those that a repository has: itself, or the highest.
std::optional<Ref> meant(std::string_view configured, const std::map<Ref, CommitId>& refs);

}  // namespace gitopsd::sync
