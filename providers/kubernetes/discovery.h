// What kinds the API server has, under which path, and whether they live in namespaces.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/value.h"
#include "providers/kubernetes/identity.h"

namespace gitopsd::kubernetes {

struct KindInfo {
  std::string plural;
  bool namespaced = true;
  bool watchable = true;
  std::vector<std::string> versions;  ///< the server's preference first
  bool deletable = true;              ///< and can be listed

  bool serves(const std::string& version) const;
  /// That version where it is served, else the server's preference; there has to be one.
  const std::string& served(const std::string& version) const {
    return serves(version) ? version : versions.front();
  }
};

/// Immutable.
class Kinds {
 public:
  /// From aggregated discovery (APIGroupDiscoveryList, apidiscovery.k8s.io/v2) of /api and /apis.
  void add(const Value& groups);
  void add(const GroupKind&, const KindInfo&);
  /// A version whose server does not answer the API server stays as it was before, where nothing is known of
  /// it now: an extension that restarts takes no kinds away.
  void keep_stale(const Kinds& before);
  /// nullptr for a kind that the server does not have.
  const KindInfo* find(const GroupKind&) const;
  /// What has a name like it, for "did you mean".
  std::vector<std::string> names() const;
  bool empty() const { return kinds_.empty(); }
  const std::map<GroupKind, KindInfo>& all() const { return kinds_; }

 private:
  std::map<GroupKind, KindInfo> kinds_;
  std::set<std::pair<std::string, std::string>> stale_;  ///< group, version
};

/// `/api/v1/namespaces/web/configmaps/a`; without a name the collection; without a namespace, all namespaces.
std::string path_of(const KindInfo&, const GroupKind&, const std::string& version, const std::string& space,
                    const std::string& name);

/// RFC 3986 percent-encoding of one path segment or query value.
std::string escape(std::string_view text);

}  // namespace gitopsd::kubernetes
