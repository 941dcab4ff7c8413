// Paths that one file of a repository names another by.
#pragma once

#include <optional>
#include <string>

namespace gitopsd::render {

/// `reference` as seen from `folder`, from the repository's root, without "." and "..". A leading slash means
/// the root itself. nullopt where it leaves the repository.
std::optional<std::string> path_from(const std::string& folder, const std::string& reference);
/// Whether `path` is `folder` or below it; "" is the root.
bool is_within(const std::string& folder, const std::string& path);
/// `folder/name`, or the name alone at the root.
std::string join_path(const std::string& folder, const std::string& name);

}  // namespace gitopsd::render
