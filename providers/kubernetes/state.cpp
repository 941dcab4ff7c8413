#include "providers/kubernetes/state.h"

#include <algorithm>

#include "base/problem.h"

namespace gitopsd::kubernetes {
namespace {

/// A kind that was not there a moment ago is not asked for again at once: a push of a thousand misspelt ones
/// costs one question.
constexpr std::chrono::milliseconds kFresh{500};

}  // namespace

std::shared_ptr<const Kinds> kinds_for(Cluster& cluster, const std::vector<protocol::Document>& documents,
                                       const Kinds& defined) {
  auto kinds = cluster.kinds();
  const bool missing = std::any_of(documents.begin(), documents.end(), [&](const auto& document) {
    if (!document.json.is_object()) return false;
    const Value* version = document.json.find("apiVersion");
    const Value* kind = document.json.find("kind");
    if (!version || !kind || !version->is_string() || !kind->is_string()) return false;
    const GroupKind type{ApiVersion::parse(version->as_string()).group, kind->as_string()};
    return !kinds->find(type) && !defined.find(type);
  });
  return missing ? cluster.kinds_not_older_than(kFresh) : kinds;
}

HttpRequest read_request(const Kinds& kinds, const Id& id, const std::string& version, const Policy& policy) {
  const KindInfo* kind = kinds.find(id.type);
  if (!kind || kind->versions.empty())
    throw fail(ProblemCause::destination, "the cluster has no kind " + id.type.str());
  const bool served =
      std::find(kind->versions.begin(), kind->versions.end(), version) != kind->versions.end();
  HttpRequest request;
  request.path = path_of(*kind, id.type, served ? version : kind->versions.front(), id.space, id.name);
  request.headers = policy.headers();
  return request;
}

}  // namespace gitopsd::kubernetes
