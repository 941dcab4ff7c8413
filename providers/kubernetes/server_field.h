// How the API server names a field in its complaints, and which member of an object that is.
#pragma once

#include <string>
#include <string_view>

#include "base/value.h"

namespace gitopsd::kubernetes {

/// "spec.containers[0].image", ".spec.x" or "data[bad key]" as a JSON pointer; empty for what is no path.
std::string pointer_of_field(std::string_view field);

/// The same for an object, of which list items may also be named by their keys:
/// `.ports[port=80,protocol="TCP"]`. Stops at the nearest member that the object has; empty is the whole
/// object.
std::string pointer_within(const Value& object, std::string_view field);

/// `object` without the member at `pointer`; false where there is none, or it is the whole object.
bool remove_member(Value& object, std::string_view pointer);

}  // namespace gitopsd::kubernetes
