#include "providers/aws/changes.h"

#include "base/hash.h"
#include "base/json.h"
#include "providers/aws/nested_stacks.h"
#include "providers/aws/package.h"
#include "providers/aws/policy.h"

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
  // A drift-aware change set is never asked for with them: that is not documented.
  make.with_nested = wanted.more.shows_nested && !asked.reverts_drift && may_nest(make.template_body);
  make.reverts_drift = asked.reverts_drift;
  // What is deleted when it fails is what was to be created.
  if (make.creates || wanted.more.on_failure != "DELETE") make.on_failure = wanted.more.on_failure;
  // The stack that a change set is to make is there once it is asked for, and makes it no other one.
  const std::string since = make.creates ? "" : asked.live->updated;
  make.token = to_hex(
      sha256(asked.sync + " " + wanted.document + " " + since + (asked.reverts_drift ? " drift" : "")));
  make.name = "gitopsd-" + make.token.substr(0, 24);
  return make;
}

std::string way_out(const Stack& wanted, const ApiError& refused) {
  if (refused.code().starts_with("InsufficientCapabilities"))
    return "list what it asks for under `capabilities` of the stack and of the application's policy";
  return "its template is " + wanted.template_path;
}

Failure no_change_set(const Stack& wanted, const std::string& why, bool nested) {
  return fail(ProblemCause::input, "CloudFormation makes no change set for '" + wanted.name + "': " + why,
              nested ? "mend that; where CloudFormation cannot know it before it does it, `nestedChanges: "
                       "false` leaves the change sets of nested stacks out, and a person has to approve"
                     : "");
}

}  // namespace

std::string names_of(const Texts& texts) {
  std::vector<std::string> names;
  for (const auto& [name, text] : texts) names.push_back(name);
  return listed(names);
}

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
    throw fail(ProblemCause::input, "CloudFormation refuses the stack '" + wanted.name + "': " + error.said(),
               way_out(wanted, error));
  }
  if (!made) return out;
  const auto drop = [&] {
    if (make.with_nested) return there.delete_with_nested(made->id, context.cancelled);
    there.delete_change_set(made->id, context.cancelled);
  };
  auto set = there.finished_change_set(made->id, context.deadline, context.cancelled);
  if (set.empty()) {
    drop();
    return out;
  }
  if (set.status == "FAILED") {
    const std::string why =
        make.with_nested ? why_failed(there, set, context.deadline, context.cancelled) : set.reason;
    drop();
    throw no_change_set(wanted, why, make.with_nested && why != set.reason);
  }
  try {
    out.set = asked.reverts_drift ? std::move(set)
                                  : with_nested(there, std::move(set), context.deadline, context.cancelled);
  } catch (const Failure&) {
    drop();
    throw;
  }
  return out;
}

}  // namespace gitopsd::aws
