// The provider's calls, a file each: resolve.cpp, plan.cpp, apply.cpp, observe.cpp.
#pragma once

#include <optional>

#include "providers/aws/operation.h"
#include "providers/aws/policy.h"
#include "providers/aws/state.h"
#include "providers/protocol/service.h"

namespace gitopsd::aws {

/// Of one call of ours: beyond some of them AWS throttles.
inline constexpr std::size_t kCallsAtOnce = 8;

protocol::ResolveResult resolve(const Settings&, const protocol::ResolveRequest&, protocol::BlobReader&);
protocol::PlanResult plan(State&, const protocol::PlanRequest&, protocol::CallContext&);
protocol::ApplyResult apply(State&, const protocol::ApplyRequest&, protocol::CallContext&,
                            const protocol::ProgressSink&);
protocol::ObserveResult observe(State&, const protocol::ObserveRequest&, protocol::CallContext&);
/// Throws away what a plan left: its change sets, and stacks that were made for nothing but one.
void discard(State&, const std::string& token, const Cancelled&);

/// Thrown by what carries out a step: the destination is not as it was planned on.
struct StalePlan {
  std::string why;
};

/// What a step holds on to.
struct Precondition {
  std::string change_set;   ///< to be executed; of a deletion, empty
  std::string stack;        ///< id; empty: there is none, or none that is ours
  std::string template_{};  ///< digest of what the change set was made with
  std::string policy{};     ///< digest of the stack policy that is in force with it; empty: none of ours
  bool sets_policy = false;
  std::optional<bool> protection{};  ///< to be switched; nullopt: it stays
  bool continues = false;            ///< the rollback that failed
  bool keeps = false;                ///< what fails stays as it is, instead of a rollback
  std::string taken{};               ///< digest of what outputs of other stacks gave; empty: none did
  std::string updated{};  ///< StackFacts::updated when the change set was made; empty: it is created
  std::string text() const;
  /// Throws Failure (input).
  static Precondition parse(const std::string& text);
};

/// What went wrong first in a stack's last operation, for people. `stack`: its id.
std::string first_failure(const State&, CloudFormation& there, const std::string& stack, const Cancelled&);

/// What an operation of this step is known by: the same for the same plan, never twice.
std::string token_of(const std::string& sync, const std::string& key);
/// The same, of a rollback that is continued: once for what is declared, whichever sync asks for it.
std::string rollback_token(const std::string& stack, const std::string& document);

}  // namespace gitopsd::aws
