#include "providers/kubernetes/identity.h"

namespace gitopsd::kubernetes {

std::string GroupKind::str() const {
  return group.empty() ? kind : kind + "." + group;
}

GroupKind GroupKind::parse(std::string_view text) {
  const auto dot = text.find('.');
  if (dot == text.npos) return {{}, std::string(text)};
  return {std::string(text.substr(dot + 1)), std::string(text.substr(0, dot))};
}

ApiVersion ApiVersion::parse(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == text.npos) return {{}, std::string(text)};
  return {std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
}

std::string Id::str() const {
  return type.str() + "/" + (space.empty() ? name : space + "/" + name);
}

std::optional<Id> Id::parse(std::string_view text) {
  const auto first = text.find('/');
  if (first == text.npos || first == 0) return std::nullopt;
  Id id;
  id.type = GroupKind::parse(text.substr(0, first));
  const auto rest = text.substr(first + 1);
  const auto second = rest.find('/');
  if (second == rest.npos) {
    id.name = rest;
  } else {
    id.space = rest.substr(0, second);
    id.name = rest.substr(second + 1);
  }
  if (id.name.empty() || id.type.kind.empty() || id.name.find('/') != id.name.npos ||
      (second != rest.npos && id.space.empty()))
    return std::nullopt;
  return id;
}

}  // namespace gitopsd::kubernetes
