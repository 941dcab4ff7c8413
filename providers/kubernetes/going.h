// Of objects that are being deleted, and stay until others let go of them.
#pragma once

#include <string>

#include "base/value.h"

namespace gitopsd::kubernetes {

bool is_going(const Value& object);
/// "is being deleted", and what keeps it.
std::string going_text(const Value& object);

}  // namespace gitopsd::kubernetes
