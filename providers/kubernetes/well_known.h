// The kinds that every cluster has, to tell a kind that cannot be meant before a cluster is asked.
#pragma once

#include <optional>
#include <string>

#include "providers/kubernetes/identity.h"

namespace gitopsd::kubernetes {

/// CustomResourceDefinition, which may be written without its group.
GroupKind definition_kind();

struct Mistake {
  std::string message, hint;
};

/// What is wrong with the name of a kind in a policy's list: of what lives in namespaces, or outside. A
/// pattern, and a kind in a group that is not known, may mean anything.
std::optional<Mistake> mistaken_kind(const std::string& written, bool namespaced);

}  // namespace gitopsd::kubernetes
