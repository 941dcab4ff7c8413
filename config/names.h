// Names, refs and paths: each function checks a text of the configuration and returns its normal form, or
// throws Failure that says what is wrong with it.
#pragma once

#include <string>

namespace gitopsd::config {

/// `[a-z0-9][a-z0-9._-]*`, at most 63 bytes.
std::string normal_name(const std::string& text);
/// The name of a file in a credentials directory.
std::string normal_credential(const std::string& text);
/// The name of an environment variable.
std::string normal_variable(const std::string& text);
/// A UUID as text (RFC 9562, section 4), in lower case.
std::string normal_uuid(const std::string& text);
/// The name of a user of the host.
std::string normal_user(const std::string& text);

/// `main` or `refs/heads/main`, in full.
std::string normal_ref(const std::string& text);
/// `v1.2.3` or `refs/tags/v1.2.3`, in full.
std::string normal_tag(const std::string& text);
/// `v*` as `refs/tags/v*`: the newest in semver order is followed.
std::string normal_tag_pattern(const std::string& text);

/// A path in a repository without leading, trailing and doubled slashes and `.`; never with `..`. "" is the
/// root.
std::string normal_path(const std::string& text);
/// A glob over paths in a repository, under the same rules.
std::string normal_glob(const std::string& text);
/// A file of the repository from another's place: `../values.yaml`, or with a leading slash from the root.
std::string normal_reference(const std::string& text);
/// An absolute path on this host, normalised, never with `..`.
std::string normal_file(const std::string& text);
/// The same for a Unix socket, whose path may have 107 bytes.
std::string normal_socket(const std::string& text);

}  // namespace gitopsd::config
