// Whether a kustomization can change what lies outside of it, where another one lists both: kustomize follows
// references to names that were changed, and replaces variables, through all that it builds at once.
#pragma once

#include <string>
#include <string_view>

#include "daemon/render/render.h"

namespace gitopsd::render {

/// What this member of a folder's kustomization changes stays within it, for certain.
bool changes_nothing_else(const source::Snapshot&, const std::string& folder, std::string_view key,
                          const Value& member);

}  // namespace gitopsd::render
