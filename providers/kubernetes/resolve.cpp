#include <algorithm>
#include <map>
#include <set>

#include "providers/kubernetes/definitions.h"
#include "providers/kubernetes/hook.h"
#include "providers/kubernetes/verbs.h"

namespace gitopsd::kubernetes {
namespace {

protocol::Resource resource_of(const Manifest& manifest, const Policy& policy) {
  protocol::Resource resource;
  resource.id = manifest.id.resource();
  resource.kind = manifest.id.type.str();
  resource.name = manifest.id.name;
  resource.document = manifest.document;
  resource.options = manifest.options;
  resource.hooks = manifest.hook.times;
  if (manifest.secret()) resource.sensitive = {"/data", "/stringData"};
  const Id space{{"", "Namespace"}, "", manifest.id.space};
  if (!manifest.id.space.empty() && !policy.breach(space, false))
    resource.requires_.push_back(space.resource());
  return resource;
}

/// Also what cannot be read as one may be meant as a hook.
void mark_hooks(const std::vector<protocol::Document>& documents,
                std::vector<protocol::WireProblem>& problems) {
  for (auto& problem : problems)
    problem.hook = std::any_of(documents.begin(), documents.end(), [&](const auto& document) {
      return document.digest == problem.document && names_hook(document.json);
    });
}

}  // namespace

protocol::ResolveResult resolve(State& state, const protocol::ResolveRequest& request) {
  protocol::ResolveResult result;
  const Policy policy = Policy::parse(request.policy, result.problems);
  Kinds defined = kinds_defined_by(request.documents);
  result.defines = encode_kinds(defined);
  add_kinds(request.defined, defined);
  // A question about the policy alone is answered without a cluster.
  if (request.documents.empty()) return result;
  const auto kinds = kinds_for(state.cluster, request.documents);
  std::map<Id, std::string> seen;
  std::set<Id> twice;
  const auto clash = [&](const Id& id, const std::string& document, std::string words, std::string hint) {
    protocol::WireProblem problem;
    problem.code = "clash";
    problem.cause = ProblemCause::input;
    problem.message = id.str() + std::move(words);
    problem.hint = std::move(hint);
    problem.document = document;
    problem.pointer = "/metadata/name";
    problem.id = id.str();
    result.problems.push_back(std::move(problem));
  };
  for (const auto& document : request.documents) {
    const auto before = result.problems.size();
    const auto manifest = read_manifest(document, request.defaults, policy, *kinds, defined, result.problems);
    if (!manifest) {
      const auto id = id_meant(document.json, policy, *kinds, defined);
      for (auto i = before; id && i < result.problems.size(); ++i) result.problems[i].id = id->str();
    }
    if (!manifest || manifest->hook.left_out) continue;
    const auto [first, fresh] = seen.emplace(manifest->id, document.digest);
    if (!fresh) {
      // Where the same is written twice there is one document, and one place.
      if (twice.insert(manifest->id).second && first->second != document.digest)
        clash(manifest->id, first->second, " is declared here first", "");
      clash(manifest->id, document.digest, " is declared twice", "remove one of them");
      continue;
    }
    result.resources.push_back(resource_of(*manifest, policy));
  }
  mark_hooks(request.documents, result.problems);
  return result;
}

}  // namespace gitopsd::kubernetes
