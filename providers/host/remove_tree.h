// Removes a name and what is beneath it.
#pragma once

#include <string>

namespace gitopsd::host {

/// Follows no link, crosses no mount point, stops (ELOOP) at 64 levels. Returns 0, also where nothing was
/// there, or the first error's number.
int remove_tree(int folder, const std::string& name);

}  // namespace gitopsd::host
