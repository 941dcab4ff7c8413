// Zip archives that are the same bytes for the same files, by libzip.
#pragma once

#include <map>
#include <string>

namespace gitopsd::aws {

/// Files by their paths within it. Their order is that of the paths, their time 1980-01-01 (the first that
/// the format knows), their mode 0755, since a Lambda's `bootstrap` has to be executable, and the daemon
/// tells no modes. Throws Failure (internal).
std::string make_zip(const std::map<std::string, std::string>& files);

}  // namespace gitopsd::aws
