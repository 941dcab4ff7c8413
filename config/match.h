// Which repository a payload means, of those that its hook may speak for.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "config/config.h"

namespace gitopsd::config {

/// Made once for a hook, so that a delivery costs the same whether the hook serves one repository or
/// thousands.
class RepositoryMatch {
 public:
  /// The configuration has to outlive it.
  RepositoryMatch(const Config&, const Hook&);

  /// The repository that a payload's name or URLs mean; nullptr when none or more than one does. URLs are
  /// compared by host and path, without user, scheme, ".git" and trailing slash.
  const Repository* find(std::string_view full_name, std::span<const std::string> urls) const;

 private:
  std::unordered_multimap<std::string, const Repository*> by_identity_, by_name_;
};

}  // namespace gitopsd::config
