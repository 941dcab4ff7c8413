// One configuration as the door needs it: an immutable snapshot that a request holds to its end.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/secret.h"
#include "config/config.h"
#include "config/match.h"
#include "daemon/server/address.h"
#include "handlers/handler.h"

namespace gitopsd::server {

struct HookRoute {
  const config::Hook* hook = nullptr;
  config::RepositoryMatch repositories;
  const handlers::Handler* handler = nullptr;
  std::vector<Secret> secrets;
};

class Routes {
 public:
  /// Reads the hooks' secrets. Throws Failure with every problem found.
  explicit Routes(config::Snapshot config);

  const config::Limits& limits() const { return config_->server.limits; }
  /// By the whole path, such as `/hooks/NAME`; nullptr for any other.
  const HookRoute* find(std::string_view path) const;
  /// Whether an application follows exactly this ref, or a pattern that ends in `*` begins it.
  bool followed(const RepositoryName& repository, const Ref& ref) const;
  const std::vector<AddressRange>& trusted_proxies() const { return trusted_proxies_; }

 private:
  struct Followed {
    std::unordered_set<std::string> refs;
    std::vector<std::string> prefixes;
  };
  void add_hook(const config::Hook& hook, std::vector<Problem>& problems);
  void add_application(const config::Application& application);

  config::Snapshot config_;
  std::vector<std::unique_ptr<HookRoute>> hooks_;
  std::unordered_map<std::string_view, const HookRoute*> by_name_;  ///< keys live in config_
  std::unordered_map<RepositoryName, Followed> followed_;
  std::vector<AddressRange> trusted_proxies_;
};

}  // namespace gitopsd::server
