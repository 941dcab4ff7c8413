// The AWS provider as a service: owns what calls share, hands each call to its verb.
#pragma once

#include <memory>

#include "providers/aws/state.h"
#include "providers/protocol/service.h"

namespace gitopsd::aws {

class Aws : public protocol::Service {
 public:
  protocol::InitializeResult initialize(const protocol::InitializeRequest&,
                                        std::shared_ptr<protocol::Notifier>) override;
  protocol::ResolveResult resolve(const protocol::ResolveRequest&, protocol::CallContext&) override;
  protocol::PlanResult plan(const protocol::PlanRequest&, protocol::CallContext&) override;
  protocol::ApplyResult apply(const protocol::ApplyRequest&, protocol::CallContext&,
                              const protocol::ProgressSink&) override;
  protocol::ObserveResult observe(const protocol::ObserveRequest&, protocol::CallContext&) override;
  protocol::ListResult list(const protocol::ListRequest&, protocol::CallContext&) override;
  void discard(const protocol::DiscardRequest&, protocol::CallContext&) override;
  void shutdown() override;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace gitopsd::aws
