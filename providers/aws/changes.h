// The change set that takes a stack to what is declared.
#pragma once

#include <functional>
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

/// What a change set is made from.
struct ChangesWanted {
  const Stack& stack;
  Texts parameters;  ///< with the outputs of others
  const protocol::Owner& owner;
  const std::optional<StackFacts>& live;  ///< the stack as it is, if there is one
  const std::string& sync;
  bool reverts_drift = false;  ///< of its resources, beside
};

/// Makes it, under a name that the same question has again. Throws Failure, and leaves none then: input where
/// CloudFormation refuses what is declared.
Changes make_changes(State&, protocol::CallContext&, ChangesWanted);

/// Deletes a change set that is not to be executed, and then the stack of this id, if it was made for nothing
/// else; empty: it is there for others. `nested`: it has change sets of nested stacks. False: it is being
/// made still, or executed, and stays.
bool throw_away(CloudFormation&, const ChangeSetName&, bool nested, const Cancelled&);

/// The stack policy that is to be set on it, as JSON: the declared one, or, where one was set and is declared
/// no more, one that allows every update, since CloudFormation takes none away. Throws Failure (input) for
/// what is none.
std::string stack_policy_of(const Stack&, protocol::BlobReader&);

/// The declared parameters with those of other stacks' outputs, which `look` finds. Throws Failure for an
/// output that is not there: transient where its stack is under way or not made yet; destination where
/// another application has the stack, which may add it; else input.
Texts parameters_of(const Stack&, const protocol::Owner&, const LookAtStack& look);

}  // namespace gitopsd::aws
