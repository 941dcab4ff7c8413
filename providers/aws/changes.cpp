#include "providers/aws/changes.h"

#include <thread>

#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "providers/aws/nested_stacks.h"
#include "providers/aws/package.h"
#include "providers/aws/policy.h"
#include "providers/aws/template_places.h"
#include "providers/aws/verbs.h"

namespace gitopsd::aws {
namespace {

using namespace std::chrono_literals;

/// To throw away what came to nothing, past the end of a call, too.
constexpr auto kGivingUpTakes = 10s;
constexpr std::chrono::milliseconds kFirstWaitToGiveUp = 200ms;

/// A template that does not validate, a missing parameter, a capability that it needs.
bool is_about_input(std::string_view code) {
  return code == "ValidationError" || code == "InsufficientCapabilities" ||
         code == "InsufficientCapabilitiesException";
}

/// Of a macro, a registry or a service that CloudFormation asked, and that is busy: the code is that of wrong
/// input.
bool may_pass(std::string_view reason) {
  for (const char* word :
       {"Rate exceeded", "ThrottlingException", "Error Code: Throttling", "Internal Failure",
        "InternalFailure", "Service Unavailable", "ServiceUnavailable"})
    if (reason.find(word) != reason.npos) return true;
  return false;
}

/// Allows what is allowed where there is no policy.
constexpr const char* kAllowsAll =
    R"({"Statement":[{"Effect":"Allow","Action":"Update:*","Principal":"*","Resource":"*"}]})";

/// Of `gitopsctl plan`: several may ask at the same time, and each throws away its own.
constexpr const char* kNoSync = "0";

/// The one that has its token was deleted.
struct Deleted {};
constexpr int kMostTokens = 4;

void name(NewChangeSet& make, const std::string& question) {
  make.token = to_hex(sha256(question));
  make.name = "gitopsd-" + make.token.substr(0, 24);
}

NewChangeSet change_set_for(State& state, protocol::CallContext& context, ChangesWanted& asked) {
  const Stack& wanted = asked.stack;
  if (!wanted.template_) throw fail(ProblemCause::internal, "the template was not sent");
  auto packaged = package_template(state, context, wanted);
  NewChangeSet make;
  make.stack = StackPlace::parse(wanted.name).name;
  make.creates = !asked.live || phase_of(asked.live->status) == StackPhase::review;
  make.template_body = std::move(packaged.text);
  make.template_url = std::move(packaged.url);
  make.parameters = asked.parameters;
  make.tags = tags_for(wanted, asked.owner);
  make.capabilities = wanted.capabilities;
  make.role = wanted.role;
  make.notifications = wanted.more.notifications;
  make.imports = wanted.more.imports;
  // A drift-aware change set is never asked for with them: that is not documented.
  make.with_nested = wanted.more.shows_nested && !asked.reverts_drift && may_nest(make.template_body);
  make.reverts_drift = asked.reverts_drift;
  // What is deleted when it fails is what was to be created; what is kept is said when it is executed, which
  // takes no word of it from a change set that has one.
  if (make.creates && wanted.more.on_failure == "DELETE") make.on_failure = wanted.more.on_failure;
  // The stack that a change set is to make is there once it is asked for, and makes it no other one.
  const std::string since = make.creates ? "" : asked.live->updated;
  name(make, asked.sync + " " + wanted.document + " " + since + (asked.reverts_drift ? " drift" : "") +
                 (asked.sync == kNoSync ? random_uuid() : std::string()));
  return make;
}

std::string way_out(const Stack& wanted, const ApiError& refused, protocol::BlobReader& blobs) {
  if (refused.code().starts_with("InsufficientCapabilities"))
    return "list what it asks for under `capabilities` of the stack and of the application's policy";
  return "its template is " + TemplatePlaces(wanted, blobs).meant(refused.said());
}

/// Why there is none at once; nullopt: AWS's own words say it.
std::optional<Failure> meaning_of(const ApiError& refused, const Stack& wanted, protocol::BlobReader& blobs) {
  if (is_busy(refused))
    return fail(ProblemCause::transient,
                "an operation on the stack '" + wanted.name + "' is under way: " + refused.said());
  if (refused.code() == "LimitExceededException")
    return fail(
        ProblemCause::destination,
        "CloudFormation makes no further change set of the stack '" + wanted.name + "': " + refused.said(),
        "delete change sets of the stack '" + wanted.name +
            "' that nobody needs (aws cloudformation list-change-sets): AWS keeps 1,000 of each stack");
  if (!is_about_input(refused.code())) return std::nullopt;
  const std::string what = "CloudFormation refuses the stack '" + wanted.name + "': " + refused.said();
  if (may_pass(refused.said())) return fail(ProblemCause::transient, what);
  return fail(ProblemCause::input, what, way_out(wanted, refused, blobs));
}

Failure no_change_set(CloudFormation& there, const Stack& wanted, const ChangeSet& set,
                      protocol::CallContext& context) {
  const TemplatePlaces places(wanted, context.blobs);
  const auto failure = why_failed(
      there, set, [&](const auto& nested, const auto& pointer) { return places.at(nested, pointer); },
      context.deadline, context.cancelled);
  const std::string what = "CloudFormation makes no change set for '" + wanted.name + "': " + failure.why;
  if (may_pass(failure.why)) return fail(ProblemCause::transient, what);
  return fail(ProblemCause::input, what,
              failure.nested ? "mend that; where CloudFormation cannot know it before it does it, "
                               "`nestedChanges: false` leaves the change sets of nested stacks out, and a "
                               "person has to approve"
                             : "its template is " + places.meant(set.reason));
}

/// Whatever time the call has left. What is being made still cannot be deleted: that is tried again for some
/// seconds if `waits`, and then when the next one of its stack is made.
void give_up(State& state, CloudFormation& there, const std::string& stack, const LeftChangeSet& set,
             bool waits) {
  const auto until = Monotonic::now() + kGivingUpTakes;
  const Cancelled late = [until] { return Monotonic::now() > until; };
  std::string why = "it is being made still";
  try {
    for (auto pause = kFirstWaitToGiveUp;; pause *= 2) {
      if (throw_away(there, set.name, set.nested, late)) return;
      if (!waits || Monotonic::now() + pause > until) break;
      std::this_thread::sleep_for(pause);
    }
  } catch (const Failure& failure) {
    why = failure.problems().front().message;
  }
  log::warning("cannot throw away a change set that came to nothing yet",
               {{"stack", stack}, {"id", set.name.id}, {"error", why}});
  state.left_change_sets.add(stack, set);
}

/// There is nothing in it yet, or there may soon be something else.
bool is_under_way(const StackFacts& stack) {
  const auto phase = phase_of(stack.status);
  return phase == StackPhase::busy || phase == StackPhase::review || phase == StackPhase::stillborn;
}

/// `source`: the stack that should have it, if there is one.
Failure no_output(const Stack& stack, const std::string& parameter, const OutputOf& from,
                  const std::optional<StackFacts>& source, const protocol::Owner& owner) {
  const std::string what = "parameter '" + parameter + "' of the stack '" + stack.name + "' is an output '" +
                           from.output + "' of the stack '" + from.stack + "', ";
  if (!source) return fail(ProblemCause::transient, what + "which does not exist");
  std::vector<std::string> names;
  for (const auto& output : source->outputs) names.push_back(output.first);
  std::string hint = "it has " + listed(names);
  if (is_under_way(*source))
    return fail(ProblemCause::transient, what + "which has none of that name and is in " + source->status,
                hint);
  if (const auto near = did_you_mean(from.output, names); !near.empty())
    hint = "did you mean '" + near + "'? " + hint;
  const auto whose = owner_of(source->tags);
  const bool of_another = whose && whose != owner;
  return fail(of_another ? ProblemCause::destination : ProblemCause::input,
              what + "which has none of that name", hint);
}

}  // namespace

Texts parameters_of(const Stack& stack, const protocol::Owner& owner, const LookAtStack& look) {
  Texts out = stack.parameters;
  for (const auto& [name, from] : stack.from_outputs) {
    const auto source = look(from.stack);
    const auto found = source ? source->outputs.find(from.output) : Texts::const_iterator();
    if (!source || found == source->outputs.end()) throw no_output(stack, name, from, source, owner);
    out[name] = found->second;
  }
  return out;
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

bool throw_away(CloudFormation& there, const ChangeSetName& set, bool nested, const Cancelled& cancelled) {
  try {
    // A stack is deleted after its change set, which has stacks of its own to delete.
    nested ? there.delete_with_nested(set.id, cancelled) : there.delete_change_set(set.id, cancelled);
  } catch (const ApiError& error) {
    if (error.code() == "InvalidChangeSetStatus") return false;
    if (error.code() != "ChangeSetNotFound") throw;
  }
  if (set.stack_id.empty()) return true;
  const auto stack = there.stack(set.stack_id, cancelled);
  // Another plan may wait with a change set of its own for the same stack.
  if (stack && phase_of(stack->status) == StackPhase::review &&
      !there.has_change_sets(set.stack_id, cancelled))
    there.delete_stack(set.stack_id, token_of("discard", set.stack_id), cancelled);
  return true;
}

namespace {

bool is_deleted(const ApiError& error) {
  return error.code() == "ChangeSetNotFound";
}

ChangeSet finished(CloudFormation& there, const std::string& id, protocol::CallContext& context) {
  try {
    return there.finished_change_set(id, context.deadline, context.cancelled);
  } catch (const ApiError& error) {
    if (is_deleted(error)) throw Deleted{};
    throw;
  }
}

/// Throws Deleted where CloudFormation takes it for one that was made, and thrown away, before.
Changes make_once(State& state, protocol::CallContext& context, const ChangesWanted& asked,
                  const NewChangeSet& make) {
  const Stack& wanted = asked.stack;
  CloudFormation& there = state.cloudformation(StackPlace::parse(wanted.name).region);
  Changes out{state.digests.of_template(make.template_body), {}};
  std::optional<ChangeSetName> made;
  try {
    made = there.create_change_set(make, context.cancelled);
  } catch (const ApiError& error) {
    if (is_deleted(error)) throw Deleted{};
    if (const auto failure = meaning_of(error, wanted, context.blobs)) throw *failure;
    throw;
  }
  // Not before: the new one keeps the stack that was made for both.
  for (const auto& left : state.left_change_sets.take(wanted.name))
    give_up(state, there, wanted.name, left, false);
  if (!made) return out;
  if (!make.creates) made->stack_id.clear();
  try {
    auto set = finished(there, made->id, context);
    if (set.empty())
      throw_away(there, *made, make.with_nested, context.cancelled);
    else if (set.status == "FAILED")
      throw no_change_set(there, wanted, set, context);  // it is asked for why while it is there
    else
      out.set = asked.reverts_drift ? std::move(set)
                                    : with_nested(there, std::move(set), context.deadline, context.cancelled);
  } catch (const Failure&) {
    give_up(state, there, wanted.name, {*made, make.with_nested}, true);
    throw;
  }
  return out;
}

}  // namespace

Changes make_changes(State& state, protocol::CallContext& context, ChangesWanted asked) {
  NewChangeSet make = change_set_for(state, context, asked);
  for (int tokens = 0; tokens < kMostTokens; ++tokens) {
    try {
      return make_once(state, context, asked, make);
    } catch (const Deleted&) {
      name(make, make.token + " again");  // the same whenever it is planned so: it may have been approved
    }
  }
  throw fail(ProblemCause::transient,
             "somebody deletes the change sets of the stack '" + asked.stack.name + "'");
}

}  // namespace gitopsd::aws
