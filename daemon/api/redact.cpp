#include "daemon/api/redact.h"

namespace gitopsd::api {

std::string without_password(std::string url) {
  const auto scheme = url.find("://");
  if (scheme == std::string::npos) return url;  // git@host:path has no place for one
  const auto begin = scheme + 3;
  const auto authority_end = std::min(url.find_first_of("/?#", begin), url.size());
  // The last '@': a password may hold one that nobody escaped.
  const auto at = url.rfind('@', authority_end);
  if (at == std::string::npos || at < begin) return url;
  const auto colon = url.find(':', begin);
  if (colon == std::string::npos || colon > at) return url;
  return url.replace(colon + 1, at - colon - 1, "***");
}

}  // namespace gitopsd::api
