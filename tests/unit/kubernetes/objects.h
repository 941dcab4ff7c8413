// Objects as the API server returns them, written as YAML, and small changes to them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/value.h"

namespace gitopsd::kubernetes {

Value object_of(const std::string& yaml);

/// Pointers and what stands there then, as YAML; an empty text removes. An array's index may be its size.
using Edits = std::vector<std::pair<std::string, std::string>>;
Value edited(Value object, const Edits& edits);

}  // namespace gitopsd::kubernetes
