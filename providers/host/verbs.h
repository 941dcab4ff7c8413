// The provider's calls, a file each: resolve.cpp, plan.cpp, apply.cpp, observe.cpp.
#pragma once

#include <functional>

#include "providers/host/state.h"
#include "providers/host/wanted.h"
#include "providers/protocol/service.h"

namespace gitopsd::host {

class Watch;

/// Precondition of a removal that only forgets: nothing on the host changes.
inline constexpr std::string_view kKeep = "keep";

protocol::ResolveResult resolve(const protocol::ResolveRequest&);
protocol::PlanResult plan(State&, const protocol::PlanRequest&, protocol::CallContext&);

/// `before_check` is for tests: it runs when the new state is made and the precondition is not yet checked.
protocol::ApplyResult apply(State&, const protocol::ApplyRequest&, protocol::CallContext&,
                            const protocol::ProgressSink&,
                            const std::function<void(const std::string& path)>& before_check = {});
/// `watch` may be nullptr.
protocol::ObserveResult observe(State&, Watch* watch, const protocol::ObserveRequest&);

/// What is there against what is remembered, by content where the fingerprint does not tell already (or
/// `full`). Throws Failure where it cannot be told.
struct Comparison {
  Seen seen;
  std::vector<std::string> differences;
};
Comparison compare(State&, const ResourceId& id, const std::string& prefix, const std::string& path,
                   const Receipt& receipt, bool full);

}  // namespace gitopsd::host
