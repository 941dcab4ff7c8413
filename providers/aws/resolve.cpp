#include <map>

#include "providers/aws/content.h"
#include "providers/aws/order.h"
#include "providers/aws/package.h"
#include "providers/aws/verbs.h"

namespace gitopsd::aws {
namespace {

void resolve_content(const protocol::Document& document, const Value& defaults, const Policy& policy,
                     std::vector<Content>& all, protocol::ResolveResult& result) {
  auto content = read_content(document, defaults, result.problems);
  if (!content) return;
  for (auto& problem : breaches(policy, *content)) result.problems.push_back(std::move(problem));
  if (!content->complete) result.needs.push_back({document.digest, content->folder});
  protocol::Resource resource;
  resource.id = id_of(*content);
  resource.kind = kContentKind;
  resource.name = content->name;
  resource.document = document.digest;
  resource.options = content->options;
  for (const auto& name : content->requires_) resource.requires_.push_back(id_of(name));
  result.resources.push_back(std::move(resource));
  all.push_back(*std::move(content));
}

}  // namespace

protocol::ResolveResult resolve(const ArtifactsPlace& artifacts, const protocol::ResolveRequest& request,
                                protocol::CallContext& context) {
  protocol::ResolveResult result;
  const Policy policy = Policy::parse(request.policy, result.problems);
  std::vector<Stack> stacks;
  std::vector<Content> contents;
  std::map<std::string, std::string> declared;  // name to document
  for (const auto& document : request.documents) {
    if (is_content(document)) {
      resolve_content(document, request.defaults, policy, contents, result);
      continue;
    }
    const auto stack = read_stack(document, request.defaults, policy.only_stack(), result.problems);
    if (!stack) continue;
    for (auto& problem : breaches(policy, *stack)) result.problems.push_back(std::move(problem));
    if (!declared.emplace(stack->name, document.digest).second) {
      protocol::WireProblem problem;
      problem.code = "clash";
      problem.cause = ProblemCause::input;
      problem.message = "the stack '" + stack->name + "' is declared twice";
      problem.hint = "remove one of them";
      problem.document = document.digest;
      problem.pointer = "/metadata/name";
      problem.id = id_of(stack->name).str();
      result.problems.push_back(std::move(problem));
    }
    if (!stack->template_) result.needs.push_back({document.digest, stack->template_path});
    for (auto& path : missing_artifacts(*stack, artifacts, context.blobs, result.problems))
      result.needs.push_back({document.digest, std::move(path)});
    protocol::Resource resource;
    resource.id = id_of(stack->name);
    resource.kind = kStackKind;
    resource.name = stack->name;
    resource.document = document.digest;
    resource.options = stack->options;
    for (const auto& name : stack->requires_) resource.requires_.push_back(id_of(name));
    result.resources.push_back(std::move(resource));
    stacks.push_back(*stack);
  }
  sort_by_requirements(stacks, result.problems);
  find_overlaps(contents, result.problems);
  return result;
}

}  // namespace gitopsd::aws
