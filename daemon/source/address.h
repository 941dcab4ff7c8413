// Where a repository is: a clone URL taken apart, strictly.
#pragma once

#include <string>
#include <string_view>

#include "base/types.h"

namespace gitopsd::source {

enum class Scheme { http, https, git, ssh, file };

struct Address {
  Scheme scheme = Scheme::https;
  std::string user;  ///< from the URL, or empty
  std::string host;  ///< without brackets; empty for file
  std::string port;  ///< digits, never empty but for file
  std::string path;  ///< begins with "/" (or is what follows the colon of user@host:path)

  /// "HOST:PORT", with brackets around an IPv6 address; the path for file.
  std::string place() const;
  /// The value of an HTTP Host header: without the scheme's own port.
  std::string authority() const;
};

/// http://, https://, git://, ssh://, file:// and user@host:path. Throws Failure (cause input) naming the
/// repository: anything else, a password in the URL, characters that no URL has.
Address parse_address(const RepositoryName& repository, std::string_view url);

}  // namespace gitopsd::source
