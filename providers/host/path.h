// Paths of the host: absolute and canonical, so that one path has one spelling and one resource id.
#pragma once

#include <string>
#include <string_view>

#include "base/types.h"

namespace gitopsd::host {

/// Why it is no canonical absolute path, for people; empty when it is one.
std::string path_fault(std::string_view path);

/// `/a/b` of `/a/b/c`, `/` of `/a`.
std::string parent_of(std::string_view path);
/// `c` of `/a/b/c`.
std::string name_of(std::string_view path);
/// Strictly beneath: `/a/b` is beneath `/a` and `/`, but not beneath itself.
bool is_beneath(std::string_view path, std::string_view folder);
/// What is left of `path` beneath `folder`: `b/c`. Only where is_beneath.
std::string relative_to(std::string_view path, std::string_view folder);

/// `path:/etc/motd`.
ResourceId id_of(std::string_view path);
/// Empty where the id is none of ours.
std::string path_of(const ResourceId& id);

}  // namespace gitopsd::host
