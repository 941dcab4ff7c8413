// AWS's shared files: INI with sections for profiles.
// https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace gitopsd::aws {

/// The settings of a section, their names in lower case.
using Section = std::map<std::string, std::string, std::less<>>;
using Sections = std::map<std::string, Section, std::less<>>;

struct SharedConfig {
  Sections profiles;
  Sections sso_sessions;
  Sections services;  ///< endpoints, by their section's name: `s3.endpoint_url`
};

enum class SharedFile {
  config,      ///< `[profile NAME]`, `[default]`, `[sso-session NAME]`, `[services NAME]`
  credentials  ///< `[NAME]`
};

/// Adds what a file says to what is known; a setting that is known already stays. Throws Failure (input) that
/// names the file and line where it is none. A nested setting (below `s3 =`, indented) is `s3.NAME`.
void read_shared_file(std::string_view text, SharedFile kind, const std::string& name, SharedConfig& into);

/// Empty where it is missing.
std::string member(const Section&, std::string_view name);

}  // namespace gitopsd::aws
