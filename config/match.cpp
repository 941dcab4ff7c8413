#include "config/match.h"

#include "config/url.h"

namespace gitopsd::config {

RepositoryMatch::RepositoryMatch(const Config& config, const Hook& hook) {
  const auto add_identity = [this](const std::string& url, const Repository* repository) {
    if (auto identity = repository_identity(url); !identity.empty())
      by_identity_.emplace(std::move(identity), repository);
  };
  for (const RepositoryName& name : hook.repositories) {
    const Repository* repository = config.repository(name);
    if (repository == nullptr) continue;
    add_identity(repository->url, repository);
    for (const std::string& alias : repository->aliases) {
      if (!alias.empty()) by_name_.emplace(alias, repository);
      add_identity(alias, repository);
    }
  }
}

const Repository* RepositoryMatch::find(std::string_view full_name, std::span<const std::string> urls) const {
  const Repository* match = nullptr;
  bool several = false;
  const auto look = [&](const auto& index, const std::string& key) {
    const auto [begin, end] = index.equal_range(key);
    for (auto entry = begin; entry != end; ++entry) {
      several |= match != nullptr && match != entry->second;
      match = entry->second;
    }
  };
  look(by_name_, std::string(full_name));
  for (const std::string& url : urls) look(by_identity_, repository_identity(url));
  return several ? nullptr : match;
}

}  // namespace gitopsd::config
