#include "providers/kubernetes/state.h"

#include <algorithm>

#include "base/problem.h"

namespace gitopsd::kubernetes {
namespace {

/// A kind that was not there a moment ago is not asked for again at once: a push of a thousand misspelt ones
/// costs one question.
constexpr std::chrono::milliseconds kFresh{50};

}  // namespace

bool has_kinds(const Kinds& kinds, const std::vector<protocol::Document>& documents) {
  return std::all_of(documents.begin(), documents.end(), [&](const auto& document) {
    const Value* version = document.json.find("apiVersion");
    const Value* kind = document.json.find("kind");
    if (!version || !kind || !version->is_string() || !kind->is_string()) return true;
    const auto api = ApiVersion::parse(version->as_string());
    const KindInfo* info = kinds.find({api.group, kind->as_string()});
    return info && info->serves(api.version);
  });
}

std::shared_ptr<const Kinds> kinds_for(Cluster& cluster, const std::vector<protocol::Document>& documents) {
  auto kinds = cluster.kinds();
  return has_kinds(*kinds, documents) ? kinds : cluster.kinds_not_older_than(kFresh);
}

HttpRequest read_request(const Kinds& kinds, const Id& id, const std::string& version, const Policy& policy) {
  const KindInfo* kind = kinds.find(id.type);
  if (!kind || kind->versions.empty())
    throw fail(ProblemCause::destination, "the cluster has no kind " + id.type.str());
  HttpRequest request;
  request.path = path_of(*kind, id.type, kind->served(version), id.space, id.name);
  request.headers = policy.headers();
  return request;
}

}  // namespace gitopsd::kubernetes
