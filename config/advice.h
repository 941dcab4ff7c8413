// What is allowed and unwise in a configuration.
#pragma once

#include <vector>

#include "base/problem.h"
#include "config/config.h"

namespace gitopsd::config {

/// The secret files that everybody on this host can read, as far as this process can see; each with whose
/// secret it is, its mode and the mode that is wanted.
std::vector<Problem> open_secrets(const Config&);

}  // namespace gitopsd::config
