#include "providers/aws/changes.h"

#include "base/hash.h"
#include "providers/aws/package.h"

namespace gitopsd::aws {
namespace {

/// A template that does not validate, a missing parameter, a capability that it needs.
bool is_about_input(std::string_view code) {
  return code == "ValidationError" || code == "InsufficientCapabilities" ||
         code == "InsufficientCapabilitiesException";
}

}  // namespace

Changes make_changes(State& state, protocol::CallContext& context, const Stack& wanted, Texts parameters,
                     const protocol::Owner& owner, const std::optional<StackFacts>& live,
                     const std::string& sync) {
  auto packaged = package_template(state, context, wanted);
  NewChangeSet make;
  make.stack = wanted.name;
  make.creates = !live || phase_of(live->status) == StackPhase::review;
  make.template_body = std::move(packaged.text);
  make.template_url = std::move(packaged.url);
  make.parameters = std::move(parameters);
  make.tags = tags_for(wanted, owner);
  make.capabilities = wanted.capabilities;
  make.role = wanted.role;
  make.token = to_hex(sha256(sync + " " + wanted.document + " " + (live ? live->updated : "")));
  make.name = "gitopsd-" + make.token.substr(0, 24);
  Changes out{state.digests.of_template(make.template_body), {}};
  std::optional<ChangeSetName> made;
  try {
    made = state.cloudformation.create_change_set(make, context.cancelled);
  } catch (const ApiError& error) {
    if (!is_about_input(error.code())) throw;
    throw fail(ProblemCause::input,
               "CloudFormation refuses the stack '" + wanted.name + "': " + error.said());
  }
  if (!made) return out;
  auto set = state.cloudformation.finished_change_set(made->id, context.deadline, context.cancelled);
  if (set.status != "FAILED") {
    out.set = std::move(set);
    return out;
  }
  state.cloudformation.delete_change_set(made->id, context.cancelled);
  if (!set.empty())
    throw fail(ProblemCause::input,
               "CloudFormation makes no change set for '" + wanted.name + "': " + set.reason);
  return out;
}

}  // namespace gitopsd::aws
