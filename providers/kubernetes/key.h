// The provider's own key: what its receipts are HMACs under.
#pragma once

#include <string>

#include "base/secret.h"

namespace gitopsd::kubernetes {

/// Of the state directory, made at the first start. Another key makes every receipt unknown, and everything
/// is compared by dry runs once more.
Secret load_key(const std::string& directory);

}  // namespace gitopsd::kubernetes
