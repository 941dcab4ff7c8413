#include <map>

#include "providers/host/path.h"
#include "providers/host/policy.h"
#include "providers/host/verbs.h"

namespace gitopsd::host {
namespace {

using protocol::WireProblem;

protocol::Resource resource_of(const Wanted& wanted, const Policy& policy) {
  protocol::Resource resource;
  resource.id = id_of(wanted.path);
  resource.kind = wanted.kind;
  resource.name = wanted.name;
  resource.document = wanted.document;
  // Also where it is not declared in this call: the daemon may have split the documents over several.
  if (const std::string folder = parent_of(wanted.path); policy.allowed_by(folder))
    resource.requires_.push_back(id_of(folder));
  resource.options = wanted.options;
  if (wanted.sensitive) resource.sensitive = {"/spec/content", "/spec/contentBase64"};
  return resource;
}

WireProblem clash(const Wanted& wanted, std::string message, std::string hint) {
  WireProblem problem;
  problem.code = "clash";
  problem.cause = ProblemCause::input;
  problem.message = std::move(message);
  problem.hint = std::move(hint);
  problem.document = wanted.document;
  problem.pointer = "/spec/path";
  problem.id = id_of(wanted.path).str();
  return problem;
}

/// One path twice, or a path beneath something that is no directory.
void find_clashes(const std::vector<Wanted>& all, std::vector<WireProblem>& problems) {
  std::map<std::string, const Wanted*> by_path;
  for (const auto& wanted : all) {
    auto [it, fresh] = by_path.emplace(wanted.path, &wanted);
    if (!fresh)
      problems.push_back(clash(wanted,
                               "'" + wanted.path + "' is declared twice, by " + it->second->kind + " '" +
                                   it->second->name + "' and " + wanted.kind + " '" + wanted.name + "'",
                               "remove one of them"));
  }
  for (const auto& wanted : all)
    for (std::string folder = parent_of(wanted.path); folder != "/"; folder = parent_of(folder))
      if (auto it = by_path.find(folder); it != by_path.end() && it->second->type != Type::directory)
        problems.push_back(clash(wanted,
                                 "'" + wanted.path + "' lies beneath " + it->second->kind + " '" +
                                     it->second->name + "', which is no Directory",
                                 "make it a Directory, or choose another path"));
}

}  // namespace

protocol::ResolveResult resolve(const protocol::ResolveRequest& request) {
  protocol::ResolveResult result;
  const Policy policy = Policy::parse(request.policy, result.problems);
  if (request.documents.empty() && result.problems.empty() && request.policy.is_object() &&
      !request.policy.as_object().empty())
    result.warnings = doubts(policy);
  std::vector<Wanted> all;
  for (const auto& document : request.documents) {
    auto wanted = read_document(document, request.defaults, result.problems);
    if (!wanted) continue;
    for (auto& problem : breaches(policy, *wanted)) result.problems.push_back(std::move(problem));
    if (!wanted->source.empty() && !wanted->blob) result.needs.push_back({document.digest, wanted->source});
    all.push_back(std::move(*wanted));
  }
  find_clashes(all, result.problems);
  for (const auto& wanted : all) result.resources.push_back(resource_of(wanted, policy));
  return result;
}

}  // namespace gitopsd::host
