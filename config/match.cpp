#include <algorithm>

#include "config/config.h"
#include "config/url.h"

namespace gitopsd::config {
namespace {

bool means(const Repository& repository, std::string_view full_name,
           const std::vector<std::string>& identities) {
  const auto known = [&](std::string_view url) {
    const auto identity = repository_identity(url);
    return !identity.empty() && std::find(identities.begin(), identities.end(), identity) != identities.end();
  };
  if (known(repository.url)) return true;
  return std::any_of(repository.aliases.begin(), repository.aliases.end(), [&](const std::string& alias) {
    return (!full_name.empty() && alias == full_name) || known(alias);
  });
}

}  // namespace

const Repository* match_repository(const Config& config, const Hook& hook, std::string_view full_name,
                                   const std::vector<std::string>& urls) {
  std::vector<std::string> identities;
  identities.reserve(urls.size());
  for (const auto& url : urls) identities.push_back(repository_identity(url));
  std::erase(identities, "");
  const Repository* match = nullptr;
  for (const auto& name : hook.repositories) {
    const auto* repository = config.repository(name);
    if (repository == nullptr || repository == match || !means(*repository, full_name, identities)) continue;
    if (match != nullptr) return nullptr;
    match = repository;
  }
  return match;
}

}  // namespace gitopsd::config
