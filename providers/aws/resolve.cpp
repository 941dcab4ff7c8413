#include <map>

#include "providers/aws/content.h"
#include "providers/aws/order.h"
#include "providers/aws/package.h"
#include "providers/aws/verbs.h"

namespace gitopsd::aws {
namespace {

/// Of a stack or a content; both require stacks.
template <class Declared>
protocol::Resource resource_of(const Declared& declared, std::string_view kind, ResourceId id) {
  protocol::Resource resource;
  resource.id = std::move(id);
  resource.kind = kind;
  resource.name = declared.name;
  resource.document = declared.document;
  resource.options = declared.options;
  for (const auto& name : declared.requires_) resource.requires_.push_back(id_of(name));
  return resource;
}

void resolve_content(const protocol::Document& document, const Value& defaults, const Policy& policy,
                     std::vector<Content>& all, protocol::ResolveResult& result) {
  auto content = read_content(document, defaults, result.problems);
  if (!content) return;
  for (auto& problem : breaches(policy, *content)) result.problems.push_back(std::move(problem));
  if (!content->complete) result.needs.push_back({document.digest, content->folder});
  result.resources.push_back(resource_of(*content, kContentKind, id_of(*content)));
  all.push_back(*std::move(content));
}

void add_needs(const Stack& stack, std::vector<protocol::Need>& needs) {
  if (!stack.template_) needs.push_back({stack.document, stack.template_path});
  if (const auto& file = stack.more.policy_file; file && !file->blob)
    needs.push_back({stack.document, file->path});
}

}  // namespace

protocol::ResolveResult resolve(const Settings& settings, const protocol::ResolveRequest& request,
                                protocol::BlobReader& blobs) {
  protocol::ResolveResult result;
  const Policy policy = Policy::parse(request.policy, result.problems);
  const Reading reading = reading_with(request.defaults, policy, settings.region);
  std::vector<Stack> stacks;
  std::vector<Content> contents;
  std::map<std::string, std::string> declared;  // name to document
  for (const auto& document : request.documents) {
    if (is_content(document)) {
      resolve_content(document, request.defaults, policy, contents, result);
      continue;
    }
    const auto stack = read_stack(document, reading, result.problems);
    if (!stack) continue;
    auto refused = breaches(policy, *stack);
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
    if (refused.empty()) {  // of what is refused nobody reads more
      add_needs(*stack, result.needs);
      for (auto& path : missing_artifacts(*stack, settings.artifacts, blobs, result.problems))
        result.needs.push_back({document.digest, std::move(path)});
    }
    for (auto& problem : refused) result.problems.push_back(std::move(problem));
    result.resources.push_back(resource_of(*stack, kStackKind, id_of(stack->name)));
    stacks.push_back(*stack);
  }
  sort_by_requirements(stacks, result.problems);
  find_overlaps(contents, result.problems);
  return result;
}

}  // namespace gitopsd::aws
