// What differs between two versions of an object, field by field, for people.
#pragma once

#include <string>

#include "base/value.h"

namespace gitopsd::kubernetes {

/// Lines `- PATH: VALUE` and `+ PATH: VALUE` in path order, with list items matched by their `name` (or
/// `key`, `containerPort`, ...) where each has one. What the server keeps by itself (status, managedFields,
/// resourceVersion, ...) is left out. `secret`: values below data are not shown, only that they differ.
/// A null value stands for no object. At most 64 KiB.
std::string fields_diff(const Value& before, const Value& after, bool secret);

/// The paths that differ, at most five, for a reason: "spec.replicas,
/// spec.template.spec.containers[web].image".
std::string changed_paths(const Value& before, const Value& after);

/// Whether anything differs that fields_diff would show.
bool differs(const Value& before, const Value& after);

}  // namespace gitopsd::kubernetes
