// The Kubernetes provider as a service: owns the cluster's state, hands each call to its verb.
#pragma once

#include <memory>

#include "providers/kubernetes/capabilities.h"
#include "providers/kubernetes/state.h"
#include "providers/protocol/service.h"

namespace gitopsd::kubernetes {

class Kubernetes : public protocol::Service {
 public:
  ~Kubernetes() override;
  protocol::InitializeResult initialize(const protocol::InitializeRequest&,
                                        std::shared_ptr<protocol::Notifier>) override;
  protocol::ResolveResult resolve(const protocol::ResolveRequest&, protocol::CallContext&) override;
  protocol::PlanResult plan(const protocol::PlanRequest&, protocol::CallContext&) override;
  protocol::ApplyResult apply(const protocol::ApplyRequest&, protocol::CallContext&,
                              const protocol::ProgressSink&) override;
  protocol::ObserveResult observe(const protocol::ObserveRequest&, protocol::CallContext&) override;
  protocol::ListResult list(const protocol::ListRequest&, protocol::CallContext&) override;
  void shutdown() override;

 private:
  std::unique_ptr<State> state_;
  std::unique_ptr<SameCluster> same_;           ///< as state_'s cluster
  std::unique_ptr<Capabilities> capabilities_;  ///< of state_'s cluster
};

}  // namespace gitopsd::kubernetes
