// What an object will be when it is deleted and made anew.
#pragma once

#include "base/value.h"

namespace gitopsd::kubernetes {

/// `probe` is what the server would make of `declared` under another name. What is not declared and has a
/// value in both is generated with each object (addresses, labels that hold the name or the uid): it says
/// nothing of what changes, and is told as `live` has it.
Value in_place_of(const Value& probe, const Value& live, const Value& declared);

}  // namespace gitopsd::kubernetes
