// AWS's shared files: INI with sections for profiles.
// https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace gitopsd::aws {

using Profile = std::map<std::string, std::string, std::less<>>;  ///< names in lower case
using Profiles = std::map<std::string, Profile, std::less<>>;

enum class SharedFile {
  config,      ///< `[profile NAME]`, and `[default]`
  credentials  ///< `[NAME]`
};

/// Throws Failure (input) that names the file and line where it is none. Nested settings (`s3 =`, then
/// indented lines) are passed over.
Profiles read_profiles(std::string_view text, SharedFile kind, const std::string& name);

}  // namespace gitopsd::aws
