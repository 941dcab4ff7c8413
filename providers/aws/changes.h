// The change set that takes a stack to what is declared.
#pragma once

#include <optional>
#include <string>

#include "providers/aws/stack.h"
#include "providers/aws/state.h"
#include "providers/protocol/service.h"

namespace gitopsd::aws {

struct Changes {
  std::string template_digest;
  std::optional<ChangeSet> set;  ///< nullopt: CloudFormation sees nothing to change
};

/// Makes it, under a name that the same question has again. `live`: the stack as it is, if there is one.
/// Throws Failure: input where CloudFormation refuses what is declared.
Changes make_changes(State&, protocol::CallContext&, const Stack&, Texts parameters, const protocol::Owner&,
                     const std::optional<StackFacts>& live, const std::string& sync);

/// The declared parameters with those of other stacks' outputs, which `look` finds. Throws Failure
/// (destination) for an output that is not there.
template <class Look>
Texts parameters_of(const Stack& stack, const Look& look) {
  Texts out = stack.parameters;
  for (const auto& [name, from] : stack.from_outputs) {
    const std::optional<StackFacts> source = look(from.stack);
    const auto found = source ? source->outputs.find(from.output) : Texts::const_iterator();
    if (!source || found == source->outputs.end())
      throw fail(ProblemCause::transient,
                 "parameter '" + name + "' of the stack '" + stack.name + "' is an output '" + from.output +
                     "' of the stack '" + from.stack + "', " +
                     (source ? "which has none of that name" : "which does not exist"));
    out[name] = found->second;
  }
  return out;
}

}  // namespace gitopsd::aws
