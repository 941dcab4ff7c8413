// What the provider's calls do about contents of buckets, a file each: content_plan.cpp, content_apply.cpp,
// content_observe.cpp.
#pragma once

#include "providers/aws/content_look.h"
#include "providers/protocol/service.h"

namespace gitopsd::aws {

/// Adds the steps of contents to a plan that has those of stacks: behind the stacks that a content requires,
/// and deletions before those of stacks, whose bucket may go with them.
void plan_contents(State&, const protocol::PlanRequest&, protocol::CallContext&, protocol::PlanResult&);
/// Carries out one of these steps, and tells how far it has come where it takes long; its receipt. Throws
/// StalePlan, or Failure where something was not sent, which is sent when it is planned again.
std::string apply_content(State&, const protocol::ApplyRequest&, protocol::CallContext&, const Policy&,
                          const protocol::Step&, const protocol::ProgressSink&);
/// Asks S3 only where the request is for a full look.
protocol::Observation observe_content(State&, const protocol::ObserveRequest&, const protocol::Entry&,
                                      const Cancelled&);

}  // namespace gitopsd::aws
