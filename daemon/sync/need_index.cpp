#include "daemon/sync/need_index.h"

namespace gitopsd::sync {

void NeedIndex::load(const std::vector<store::Declared>& declared) {
  by_manifest_.clear();
  by_need_.clear();
  hooks_.clear();
  for (const auto& row : declared) {
    if (is_hook(row.resource)) hooks_[row.path].insert(row.id);
    for (const auto& need : resource_needs(row.resource)) {
      by_manifest_[row.path].push_back(need);
      by_need_[need.first].insert(row.path);
    }
  }
  loaded_ = true;
}

std::set<std::string> NeedIndex::manifests_needing(const std::string& path) const {
  std::set<std::string> found;
  for (std::size_t end = path.size(); end != std::string::npos && end > 0; end = path.rfind('/', end - 1)) {
    const auto it = by_need_.find(path.substr(0, end));
    if (it != by_need_.end()) found.insert(it->second.begin(), it->second.end());
  }
  return found;
}

void NeedIndex::update(const std::set<std::string>& manifests, const std::vector<Item>& items) {
  for (const auto& manifest : manifests) {
    hooks_.erase(manifest);
    const auto it = by_manifest_.find(manifest);
    if (it == by_manifest_.end()) continue;
    for (const auto& [path, id] : it->second) {
      by_need_[path].erase(manifest);
      if (by_need_[path].empty()) by_need_.erase(path);
    }
    by_manifest_.erase(it);
  }
  for (const auto& item : items) {
    if (!item.resource.hooks.empty()) hooks_[item.path].insert(item.resource.id);
    for (const auto& need : item.needs) {
      by_manifest_[item.path].push_back(need);
      by_need_[need.first].insert(item.path);
    }
  }
}

std::vector<ResourceId> NeedIndex::hooks_without(const std::set<std::string>& manifests) const {
  std::vector<ResourceId> found;
  for (const auto& [path, ids] : hooks_)
    if (!manifests.contains(path)) found.insert(found.end(), ids.begin(), ids.end());
  return found;
}

OutsidePaths NeedIndex::outside(const std::string& application_path) const {
  const std::string prefix = application_path.empty() ? std::string() : application_path + "/";
  std::map<std::string, std::string> found;
  for (const auto& [manifest, needs] : by_manifest_) {
    for (const auto& [path, id] : needs) {
      if (path.compare(0, prefix.size(), prefix) != 0) found.emplace(path, id);
    }
  }
  return {found.begin(), found.end()};
}

}  // namespace gitopsd::sync
