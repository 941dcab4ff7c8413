#include "providers/aws/nested_stacks.h"

#include <algorithm>
#include <set>

#include "base/yaml.h"

namespace gitopsd::aws {
namespace {

using namespace std::chrono_literals;

/// Beyond these it is not looked into, and nothing is done.
constexpr int kDeepestStack = 10, kMostStacks = 200;
/// For the other nested change sets, once one has failed.
constexpr auto kStragglersTake = 30s;
/// Of what was found in one change set.
constexpr std::size_t kMostTold = 10;

/// How many stacks one question has led to.
class Bounds {
 public:
  void enter(int depth, const std::string& path) {
    if (depth <= kDeepestStack && ++seen_ <= kMostStacks) return;
    throw fail(ProblemCause::destination,
               "the stack '" + path + "' is not looked into: stacks are nested deeper than " +
                   std::to_string(kDeepestStack) + ", or there are more than " + std::to_string(kMostStacks),
               "make stacks of their own of some");
  }

 private:
  int seen_ = 0;
};

/// Logical ids of a template's resources that are let go of when their stack is deleted.
std::vector<std::string> retained_by(const std::string& text) {
  std::vector<std::string> out;
  for (const Value& whole : parse_yaml(text, "the template")) {
    const Value* resources = whole.find("Resources");
    if (!resources || !resources->is_object()) continue;
    for (const auto& [id, resource] : resources->as_object()) {
      const Value* policy = resource.find("DeletionPolicy");
      if (policy && policy->is_string() && policy->as_string().starts_with("Retain")) out.push_back(id);
    }
  }
  return out;
}

class Contents {
 public:
  Contents(CloudFormation& there, const Cancelled& cancelled) : there_(there), cancelled_(cancelled) {}

  /// `stays`: the nested stack itself does, and all in it.
  void take(const std::string& stack, const std::string& path, int depth, bool stays) {
    bounds_.enter(depth, path);
    const auto retained = stays ? std::vector<std::string>() : retained_of(stack);
    for (auto& one : there_.resources(stack, cancelled_)) {
      const bool kept =
          stays || std::find(retained.begin(), retained.end(), one.logical_id) != retained.end();
      one.logical_id.insert(0, path);
      if (kept) out.retained.push_back(one.logical_id);
      out.resources.push_back(one);
      if (one.type == kNestedStack && !one.physical_id.empty()) take_nested(one, depth + 1, kept);
    }
  }

  StackContents out;

 private:
  /// Somebody may have deleted it past its parent.
  void take_nested(const StackResource& one, int depth, bool stays) {
    try {
      take(one.physical_id, one.logical_id + "/", depth, stays);
    } catch (const ApiError& error) {
      if (!is_unknown(error)) throw;
    }
  }

  std::vector<std::string> retained_of(const std::string& stack) {
    try {
      return retained_by(there_.template_of(stack, cancelled_));
    } catch (const Failure& failure) {
      if (failure.cause() != ProblemCause::input) throw;
      return {};  // a template that CloudFormation reads otherwise
    }
  }

  CloudFormation& there_;
  const Cancelled& cancelled_;
  Bounds bounds_;
};

class NestedChanges {
 public:
  NestedChanges(CloudFormation& there, Deadline deadline, const Cancelled& cancelled)
      : there_(there), deadline_(deadline), cancelled_(cancelled) {}

  void take(const std::vector<ResourceChange>& changes, const std::string& path, int depth) {
    bounds_.enter(depth, path);
    for (ResourceChange change : changes) {
      change.logical_id.insert(0, path);
      out.push_back(change);
      if (change.type != kNestedStack) continue;
      if (!change.nested.empty()) take_nested(change, depth);
      if (change.deletes() || change.replaces()) take_contents(change);
    }
  }

  std::vector<ResourceChange> out;

 private:
  void take_nested(const ResourceChange& change, int depth) {
    const auto set = there_.finished_change_set(change.nested, deadline_, cancelled_);
    if (set.empty()) return;
    if (set.status == "FAILED")
      throw fail(ProblemCause::input, "CloudFormation makes no change set for the nested stack '" +
                                          change.logical_id + "': " + set.reason);
    take(set.changes, change.logical_id + "/", depth + 1);
  }

  /// They go with their stack.
  void take_contents(const ResourceChange& stack) {
    if (stack.physical_id.empty()) return;
    const auto contents = contents_of(there_, stack.physical_id, cancelled_);
    for (const auto& one : contents.resources) {
      const bool stays = std::find(contents.retained.begin(), contents.retained.end(), one.logical_id) !=
                         contents.retained.end();
      ResourceChange change{stack.action,
                            stack.logical_id + "/" + one.logical_id,
                            one.type,
                            one.physical_id,
                            stack.replacement,
                            stays ? "Retain" : "Delete",
                            {}};
      if (stack.replaces()) change.policy_action.insert(0, "ReplaceAnd");
      out.push_back(std::move(change));
    }
  }

  CloudFormation& there_;
  const Deadline deadline_;
  const Cancelled& cancelled_;
  Bounds bounds_;
};

/// The first ARN in a text; empty where there is none.
std::string arn_in(const std::string& text) {
  const auto begin = text.find("arn:");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_first_of(" ,;", begin) - begin);
}

/// `arn:aws:cloudformation:REGION:ACCOUNT:stack/NAME/ID`
std::string stack_name_in(const std::string& arn) {
  const auto begin = arn.find('/');
  if (begin == arn.npos) return arn;
  return arn.substr(begin + 1, arn.find('/', begin + 1) - begin - 1);
}

class NestedFailures {
 public:
  NestedFailures(CloudFormation& there, const PointerPlace& place_of, Deadline deadline,
                 const Cancelled& cancelled)
      : there_(there), place_of_(place_of), deadline_(deadline), cancelled_(cancelled) {}

  void take(const ChangeSet& set, const std::string& path) {
    const auto before = told.size();
    for (const auto& change : set.changes)
      if (!change.nested.empty()) take_nested(change.nested, inside(path, change.logical_id));
    if (told.size() == before) take_nested(arn_in(set.reason), "");
    if (told.size() == before) take_itself(set, path);
  }

  std::vector<std::string> told;
  bool nested = false;

 private:
  /// What its checks found, or its reason.
  void take_itself(const ChangeSet& set, const std::string& path) {
    nested = nested || !path.empty();
    std::string reason = set.reason;
    try {
      const auto found = there_.findings(set.id, cancelled_);
      for (std::size_t i = 0; i < std::min(found.size(), kMostTold); ++i)
        told.push_back(text_of(found[i], path));
      if (found.size() > kMostTold)
        told.push_back("and " + std::to_string(found.size() - kMostTold) + " more");
      if (!found.empty()) return;
    } catch (const ApiError& error) {
      // Newer than CloudFormation itself: who may do all the rest may not have that right yet.
      if (error.code().starts_with("AccessDenied"))
        reason += " (what was found may be told with the right cloudformation:DescribeEvents)";
    } catch (const Failure&) {
      // What is known without it is told.
    }
    told.push_back(path.empty() ? reason : path + ": " + reason);
  }

  std::string text_of(const ChangeSetFinding& one, const std::string& path) const {
    const std::string pointer = one.pointer.empty() ? "/Resources/" + one.resource : one.pointer;
    return named(inside(path, one.resource), one.type, place_of_ ? place_of_(path, pointer) : std::string()) +
           ": " + one.reason + (one.check.empty() ? "" : " (" + one.check + ")");
  }

  static std::string inside(const std::string& path, const std::string& id) {
    return path.empty() ? id : path + "/" + id;
  }

  /// `path` empty: it is known by its stack's name.
  void take_nested(const std::string& id, const std::string& path) {
    if (id.find(":changeSet/") == id.npos || !seen_.insert(id).second) return;
    try {
      const auto set = there_.finished_change_set(id, deadline_, cancelled_);
      if (set.status == "FAILED" && !set.empty())
        take(set, path.empty() ? stack_name_in(set.stack_id) : path);
    } catch (const Failure&) {
      return;  // what is known without it is told
    }
  }

  CloudFormation& there_;
  const PointerPlace& place_of_;
  const Deadline deadline_;
  const Cancelled& cancelled_;
  std::set<std::string> seen_;
};

}  // namespace

bool may_nest(std::string_view text) {
  for (const char* word : {"AWS::CloudFormation::Stack", "AWS::Serverless::Application", "Transform"})
    if (text.find(word) != text.npos) return true;
  return false;
}

ChangeSet with_nested(CloudFormation& there, ChangeSet root, Deadline deadline, const Cancelled& cancelled) {
  NestedChanges all(there, deadline, cancelled);
  all.take(root.changes, "", 0);
  root.changes = std::move(all.out);
  return root;
}

ChangeSetFailure why_failed(CloudFormation& there, const ChangeSet& root, const PointerPlace& place_of,
                            Deadline deadline, const Cancelled& cancelled) {
  NestedFailures all(there, place_of, std::min(deadline, Monotonic::now() + kStragglersTake), cancelled);
  all.take(root, "");
  ChangeSetFailure out{{}, all.nested};
  for (const auto& one : all.told) out.why += (out.why.empty() ? "" : "; ") + one;
  return out;
}

StackContents contents_of(CloudFormation& there, const std::string& stack, const Cancelled& cancelled) {
  Contents all(there, cancelled);
  all.take(stack, "", 0, false);
  return std::move(all.out);
}

std::string first_failure(CloudFormation& there, std::vector<StackEvent> events, const PlaceOf& place_of,
                          const Cancelled& cancelled) {
  std::string path;
  std::string told = first_failure(events, place_of);
  for (int depth = 0; depth < kDeepestStack; ++depth) {
    const StackEvent* cause = first_cause(events);
    if (!cause || cause->of_stack || cause->type != kNestedStack) break;
    const std::string id = cause->physical_id.empty() ? arn_in(cause->reason) : cause->physical_id;
    if (id.empty()) break;
    const std::string in = path + cause->resource, kind = cause->status.substr(0, cause->status.find('_'));
    try {
      events = there.events_since(id, kind, cancelled);
    } catch (const ApiError&) {
      break;  // nothing is kept of it
    }
    const StackEvent* inner = first_cause(events);
    if (!inner) break;
    told = inner->of_stack ? named(in, inner->type, place_of ? place_of(in) : std::string()) + ": " +
                                 reason_of(*inner, events)
                           : first_failure(events, place_of, in + "/");
    path = in + "/";
  }
  return told;
}

}  // namespace gitopsd::aws
