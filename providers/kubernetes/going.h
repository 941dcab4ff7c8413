// Of objects that are being deleted, and stay until others let go of them.
#pragma once

#include <string>

#include "base/value.h"

namespace gitopsd::kubernetes {

bool is_going(const Value& object);
/// What whoever empties a Namespace, or takes the objects of a CustomResourceDefinition away, says of the
/// rest: "; MESSAGE", or empty.
std::string what_is_left(const Value& object);
/// "is being deleted", and what keeps it.
std::string going_text(const Value& object);

}  // namespace gitopsd::kubernetes
