// Namespaces that somebody deletes, or has deleted: nothing is written into them meanwhile.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "providers/kubernetes/http.h"
#include "providers/kubernetes/identity.h"
#include "providers/kubernetes/policy.h"

namespace gitopsd::kubernetes {

inline const GroupKind kNamespace{"", "Namespace"};

/// Seconds after which it may be worth to ask again.
inline constexpr int kSpaceMayBeGone = 2;

struct Space {
  enum class State { unknown, there, going, missing } state = State::unknown;
  /// Of one that is going or missing, behind "waits for": `namespace "web" to be gone, deleted by somebody at
  /// 2026-11-29T08:00:00Z`.
  std::string text;
};

/// As it is there.
Space space_as(const Value& object, const std::string& name);
/// By the answer to a read of it.
Space space_in(const HttpResponse&, const std::string& name);
/// Reads of some of these names, which are allowed to who may read all in them; and what their answers say.
std::vector<HttpRequest> space_requests(const std::set<std::string>& names, const Policy&);
std::map<std::string, Space> spaces_in(const std::vector<HttpResponse>&, const std::set<std::string>& names);

}  // namespace gitopsd::kubernetes
