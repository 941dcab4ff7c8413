#include "providers/aws/changes.h"

#include "base/hash.h"
#include "base/json.h"
#include "providers/aws/package.h"

namespace gitopsd::aws {
namespace {

/// A template that does not validate, a missing parameter, a capability that it needs.
bool is_about_input(std::string_view code) {
  return code == "ValidationError" || code == "InsufficientCapabilities" ||
         code == "InsufficientCapabilitiesException";
}

/// Allows what is allowed where there is no policy.
constexpr const char* kAllowsAll =
    R"({"Statement":[{"Effect":"Allow","Action":"Update:*","Principal":"*","Resource":"*"}]})";

NewChangeSet change_set_for(State& state, protocol::CallContext& context, ChangesWanted& asked) {
  const Stack& wanted = asked.stack;
  if (!wanted.template_) throw fail(ProblemCause::internal, "the template was not sent");
  auto packaged = package_template(state, context, wanted);
  NewChangeSet make;
  make.stack = StackPlace::parse(wanted.name).name;
  make.creates = !asked.live || phase_of(asked.live->status) == StackPhase::review;
  make.template_body = std::move(packaged.text);
  make.template_url = std::move(packaged.url);
  make.parameters = std::move(asked.parameters);
  make.tags = tags_for(wanted, asked.owner);
  make.capabilities = wanted.capabilities;
  make.role = wanted.role;
  make.notifications = wanted.more.notifications;
  make.imports = wanted.more.imports;
  make.reverts_drift = asked.reverts_drift;
  // What is deleted when it fails is what was to be created.
  if (make.creates || wanted.more.on_failure != "DELETE") make.on_failure = wanted.more.on_failure;
  make.token =
      to_hex(sha256(asked.sync + " " + wanted.document + " " + (asked.live ? asked.live->updated : "") +
                    (asked.reverts_drift ? " drift" : "")));
  make.name = "gitopsd-" + make.token.substr(0, 24);
  return make;
}

}  // namespace

std::string stack_policy_of(const Stack& stack, protocol::BlobReader& blobs) {
  if (!stack.more.policy_file) return stack.more.policy.empty() ? kAllowsAll : stack.more.policy;
  const auto& file = *stack.more.policy_file;
  if (!file.blob) throw fail(ProblemCause::internal, "the stack policy was not sent");
  std::string text = blobs.read(*file.blob, kLargestStackPolicy);
  if (!parse_json(text, file.path).find("Statement"))
    throw fail(ProblemCause::input, "'" + file.path + "' is no stack policy: it has no `Statement`");
  return text;
}

Changes make_changes(State& state, protocol::CallContext& context, ChangesWanted asked) {
  const Stack& wanted = asked.stack;
  const auto place = StackPlace::parse(wanted.name);
  CloudFormation& there = state.cloudformation(place.region);
  NewChangeSet make = change_set_for(state, context, asked);
  Changes out{state.digests.of_text(make.template_body), {}};
  std::optional<ChangeSetName> made;
  try {
    made = there.create_change_set(make, context.cancelled);
  } catch (const ApiError& error) {
    if (is_busy(error))
      throw fail(ProblemCause::transient,
                 "an operation on the stack '" + wanted.name + "' is under way: " + error.said());
    if (!is_about_input(error.code())) throw;
    throw fail(ProblemCause::input,
               "CloudFormation refuses the stack '" + wanted.name + "': " + error.said());
  }
  if (!made) return out;
  auto set = there.finished_change_set(made->id, context.deadline, context.cancelled);
  if (set.status != "FAILED") {
    out.set = std::move(set);
    return out;
  }
  there.delete_change_set(made->id, context.cancelled);
  if (!set.empty())
    throw fail(ProblemCause::input,
               "CloudFormation makes no change set for '" + wanted.name + "': " + set.reason);
  return out;
}

}  // namespace gitopsd::aws
