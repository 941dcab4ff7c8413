#include "providers/kubernetes/discovery.h"

#include <algorithm>

namespace gitopsd::kubernetes {
namespace {

bool has_verb(const Value& resource, std::string_view verb) {
  const auto& verbs = resource.get_array("verbs");
  return std::any_of(verbs.begin(), verbs.end(),
                     [&](const Value& v) { return v.is_string() && v.as_string() == verb; });
}

}  // namespace

bool KindInfo::serves(const std::string& version) const {
  return std::find(versions.begin(), versions.end(), version) != versions.end();
}

void Kinds::add(const Value& groups) {
  for (const Value& group : groups.get_array("items")) {
    const Value* metadata = group.find("metadata");
    const std::string name = metadata ? metadata->get_string("name") : std::string();
    for (const Value& version : group.get_array("versions")) {
      if (version.get_string("freshness") == "Stale") stale_.emplace(name, version.get_string("version"));
      // A group whose server does not answer is listed from memory: better than nothing.
      for (const Value& resource : version.get_array("resources")) {
        const Value* response = resource.find("responseKind");
        if (!response || !has_verb(resource, "get")) continue;
        const GroupKind type{name, response->get_string("kind")};
        KindInfo& info = kinds_[type];
        if (info.versions.empty()) {
          info.plural = resource.get_string("resource");
          info.namespaced = resource.get_string("scope") == "Namespaced";
          info.watchable = has_verb(resource, "watch");
          info.deletable = has_verb(resource, "list") && has_verb(resource, "delete");
        }
        if (resource.get_string("resource") == info.plural)
          info.versions.push_back(version.get_string("version"));
      }
    }
  }
}

void Kinds::keep_stale(const Kinds& before) {
  const auto known = [this](const std::string& group, const std::string& version) {
    return std::any_of(kinds_.begin(), kinds_.end(), [&](const auto& entry) {
      return entry.first.group == group && entry.second.serves(version);
    });
  };
  std::set<std::pair<std::string, std::string>> lost;
  for (const auto& [group, version] : stale_)
    if (!known(group, version)) lost.emplace(group, version);
  for (const auto& [group, version] : lost)
    for (const auto& entry : before.kinds_) {
      if (entry.first.group != group || !entry.second.serves(version)) continue;
      KindInfo kept = entry.second;
      kept.versions.clear();
      kinds_.try_emplace(entry.first, std::move(kept)).first->second.versions.push_back(version);
    }
}

void Kinds::add(const GroupKind& type, const KindInfo& info) {
  kinds_.try_emplace(type, info);
}

const KindInfo* Kinds::find(const GroupKind& type) const {
  const auto it = kinds_.find(type);
  return it == kinds_.end() ? nullptr : &it->second;
}

std::vector<std::string> Kinds::names() const {
  std::vector<std::string> out;
  out.reserve(kinds_.size());
  for (const auto& [type, info] : kinds_) out.push_back(type.str());
  return out;
}

std::string path_of(const KindInfo& info, const GroupKind& type, const std::string& version,
                    const std::string& space, const std::string& name) {
  std::string path = type.group.empty() ? "/api/" : "/apis/" + type.group + "/";
  path += version;
  if (!space.empty()) path += "/namespaces/" + escape(space);
  path += "/" + info.plural;
  if (!name.empty()) path += "/" + escape(name);
  return path;
}

std::string escape(std::string_view text) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain)
      out += c;
    else
      out.append({'%', hex[byte >> 4], hex[byte & 15]});
  }
  return out;
}

}  // namespace gitopsd::kubernetes
