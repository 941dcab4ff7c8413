// Resources of a Pod's containers, which only its subresource `resize` changes: an apply that does is
// refused.
#pragma once

#include <string>

#include "providers/kubernetes/http.h"
#include "providers/kubernetes/manifest.h"
#include "providers/kubernetes/policy.h"

namespace gitopsd::kubernetes {

/// Whether that may be why the server refused an apply.
bool may_need_resize(const Id&, const Value& status);

/// The containers' resources as the manifest declares them, if the Pod is still of that version.
HttpRequest resize_request(const Manifest&, const Policy&, const std::string& resource_version, bool dry_run);

/// Gives the containers of a Pod that say something of resources those that they have in another.
void take_resources(Value& pod, const Value& from);

}  // namespace gitopsd::kubernetes
