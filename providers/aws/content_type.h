// What kind of file something is, by its name.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gitopsd::aws {

/// By the extension, as the IANA registers media types; `application/octet-stream` for what is not known.
std::string content_type_of(std::string_view path);

/// Globs, each with what it stands for.
using Globs = std::vector<std::pair<std::string, std::string>>;

/// Whether a path fits a glob (fnmatch(3): `*`, `?`, `[...]`). One without a slash is of the file's name
/// alone; in others `*` stands for slashes, too.
bool fits(const std::string& glob, const std::string& path);
/// What the longest of the globs that fit stands for, of two that are as long the first; nullptr: none fits.
const std::string* longest_fit(const Globs&, const std::string& path);

}  // namespace gitopsd::aws
