#include <set>
#include <string>

#include "providers/aws/content.h"
#include "providers/aws/order.h"
#include "providers/aws/package.h"
#include "providers/aws/s3.h"
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

void add_needs(const Stack& stack, std::vector<protocol::Need>& needs) {
  if (!stack.template_ && !stack.template_path.empty())
    needs.push_back({stack.document, stack.template_path});
  if (const auto& file = stack.more.policy_file; file && !file->blob)
    needs.push_back({stack.document, file->path});
}

protocol::WireProblem declared_twice(const Stack& stack) {
  protocol::WireProblem problem;
  problem.code = "clash";
  problem.cause = ProblemCause::input;
  problem.message = "the stack '" + stack.name + "' is declared twice";
  problem.hint = "remove one of them";
  problem.document = stack.document;
  problem.pointer = "/metadata/name";
  problem.id = id_of(stack.name).str();
  return problem;
}

/// All that is wrong with what it declares is told at once, also where some of it cannot be read.
class Resolving {
 public:
  Resolving(const Settings& settings, const protocol::ResolveRequest& request, protocol::BlobReader& blobs)
      : settings_(settings), request_(request), blobs_(blobs) {}

  protocol::ResolveResult run() {
    policy_ = Policy::parse(request_.policy, result_.problems);
    const Reading reading = reading_with(request_.defaults, policy_, settings_.region);
    for (const auto& document : request_.documents) {
      if (is_content(document))
        resolve_content(document);
      else
        resolve_stack(document, reading);
    }
    sort_by_requirements(stacks_, result_.problems);
    find_overlaps(contents_, result_.problems);
    return std::move(result_);
  }

 private:
  void resolve_content(const protocol::Document& document) {
    const std::size_t before = result_.problems.size();
    Content content = read_declared_content(document, request_.defaults, result_.problems);
    const bool sound = result_.problems.size() == before;
    if (!is_bucket_name(content.bucket)) return;
    tell_of(id_of(content), before);
    for (auto& problem : breaches(policy_, content)) result_.problems.push_back(std::move(problem));
    if (!content.complete && !content.folder.empty())
      result_.needs.push_back({document.digest, content.folder});
    if (sound) result_.resources.push_back(resource_of(content, kContentKind, id_of(content)));
    contents_.push_back(std::move(content));
  }

  /// Whoever else declares the same is to be left out with it.
  void tell_of(const ResourceId& id, std::size_t first) {
    for (; first < result_.problems.size(); ++first) result_.problems[first].id = id.str();
  }

  void resolve_stack(const protocol::Document& document, const Reading& reading) {
    const std::size_t before = result_.problems.size();
    Stack stack = read_declared_stack(document, reading, result_.problems);
    const bool sound = result_.problems.size() == before;
    if (!is_stack_name(StackPlace::parse(stack.name).name)) return;
    tell_of(id_of(stack.name), before);
    auto refused = breaches(policy_, stack);
    if (!declared_.insert(stack.name).second) result_.problems.push_back(declared_twice(stack));
    if (refused.empty()) {  // of what is refused nobody reads more
      add_needs(stack, result_.needs);
      for (auto& path : missing_artifacts(stack, settings_.artifacts, blobs_, result_.problems))
        result_.needs.push_back({document.digest, std::move(path)});
    }
    for (auto& problem : refused) result_.problems.push_back(std::move(problem));
    if (sound) result_.resources.push_back(resource_of(stack, kStackKind, id_of(stack.name)));
    stacks_.push_back(std::move(stack));
  }

  const Settings& settings_;
  const protocol::ResolveRequest& request_;
  protocol::BlobReader& blobs_;
  Policy policy_;
  std::vector<Stack> stacks_;
  std::vector<Content> contents_;
  std::set<std::string> declared_;  ///< stacks
  protocol::ResolveResult result_;
};

}  // namespace

protocol::ResolveResult resolve(const Settings& settings, const protocol::ResolveRequest& request,
                                protocol::BlobReader& blobs) {
  return Resolving(settings, request, blobs).run();
}

}  // namespace gitopsd::aws
