// What becomes of the objects that an object owns when it is deleted.
#pragma once

#include <string>
#include <string_view>

#include "providers/kubernetes/policy.h"

namespace gitopsd::kubernetes {

inline constexpr const char* kPropagation = "gitopsd.io/propagation";

/// `background`, `foreground` or `orphan` as the API writes it; empty for any other word.
std::string propagation_policy(std::string_view word);

/// By the object's annotation, Argo CD's too, and else the application's policy; as the API writes it. Of a
/// live object it is known when its manifest is gone.
std::string propagation_of(const Value& object, const Policy&);

}  // namespace gitopsd::kubernetes
