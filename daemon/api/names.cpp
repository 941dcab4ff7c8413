#include "daemon/api/names.h"

#include "daemon/api/refusal.h"

namespace gitopsd::api {

Names::Names(const config::Config& config, const store::Store& store) {
  // The configuration goes first: where an orphan's old name is in use again, the name means the living one.
  for (const auto& application : config.applications) {
    name_by_uid_.emplace(application.uid.str(), application.name.str());
    uid_by_name_.emplace(application.name.str(), application.uid.str());
  }
  for (const auto& application : store.applications()) {
    if (!name_by_uid_.emplace(application.uid.str(), application.name.str()).second) continue;
    uid_by_name_.emplace(application.name.str(), application.uid.str());
  }
}

Names::Application Names::find(std::string_view name_or_uid) const {
  const std::string wanted(name_or_uid);
  if (const auto by_name = uid_by_name_.find(wanted); by_name != uid_by_name_.end()) {
    return {ApplicationName(wanted), ApplicationUid(by_name->second)};
  }
  if (const auto by_uid = name_by_uid_.find(wanted); by_uid != name_by_uid_.end()) {
    return {ApplicationName(by_uid->second), ApplicationUid(wanted)};
  }
  std::vector<std::string> known;
  for (const auto& [name, uid] : uid_by_name_) known.push_back(name);
  throw not_found("there is no application '" + wanted + "'", suggestion(wanted, known));
}

std::string Names::name(const ApplicationUid& uid) const {
  const auto found = name_by_uid_.find(uid.str());
  return found == name_by_uid_.end() ? uid.str() : found->second;
}

RepositoryName find_repository(const config::Config& config, const std::string& name) {
  if (config.repository(RepositoryName(name))) return RepositoryName(name);
  std::vector<std::string> known;
  for (const auto& repository : config.repositories) known.push_back(repository.name.str());
  throw not_found("there is no repository '" + name + "'", suggestion(name, known));
}

}  // namespace gitopsd::api
