// Which thing in a cluster: group, kind, namespace and name, without the API version.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "base/types.h"

namespace gitopsd::kubernetes {

/// A kind within its API group; the core group's name is empty.
struct GroupKind {
  std::string group, kind;
  /// As kubectl writes it: "Deployment.apps", "ConfigMap".
  std::string str() const;
  static GroupKind parse(std::string_view text);
  auto operator<=>(const GroupKind&) const = default;
};

/// "apps/v1" to "apps" and "v1"; "v1" to "" and "v1".
struct ApiVersion {
  std::string group, version;
  static ApiVersion parse(std::string_view text);
};

struct Id {
  GroupKind type;
  std::string space;  ///< namespace; empty for what has none
  std::string name;
  /// "Deployment.apps/web/frontend", "Namespace/web".
  std::string str() const;
  ResourceId resource() const { return ResourceId(str()); }
  /// nullopt for what is no id of this provider.
  static std::optional<Id> parse(std::string_view text);
  auto operator<=>(const Id&) const = default;
};

}  // namespace gitopsd::kubernetes
