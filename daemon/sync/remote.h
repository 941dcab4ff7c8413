// How a configured repository is reached.
#pragma once

#include "config/config.h"
#include "daemon/source/mirror.h"

namespace gitopsd::sync {

/// With its credentials as they are now, which it reads: not to be called with a mutex held. Throws Failure
/// that names where one should be.
source::Remote remote_of(const config::Repository&);

}  // namespace gitopsd::sync
