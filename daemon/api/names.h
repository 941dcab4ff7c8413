// Names of applications for people: configuration and store speak of uids, which survive renames.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/config.h"
#include "daemon/store/store.h"

namespace gitopsd::api {

class Names {
 public:
  Names() = default;
  /// The configured applications and those that the store still knows (orphaned ones).
  Names(const config::Config&, const store::Store&);

  struct Application {
    ApplicationName name;
    ApplicationUid uid;
  };
  /// By name, else by uid. Throws Refusal (404) with a "did you mean".
  Application find(std::string_view name_or_uid) const;
  /// The name, or the uid's own text where nobody knows it.
  std::string name(const ApplicationUid&) const;

 private:
  std::unordered_map<std::string, std::string> name_by_uid_, uid_by_name_;
};

/// Throws Refusal (404) with a "did you mean" unless the configuration has that repository.
RepositoryName find_repository(const config::Config&, const std::string& name);

}  // namespace gitopsd::api
