// The host provider as a service: owns the state and the watch, hands each call to its verb.
#pragma once

#include <memory>

#include "providers/host/state.h"
#include "providers/host/watch.h"
#include "providers/protocol/service.h"

namespace gitopsd::host {

class Host : public protocol::Service {
 public:
  ~Host() override;
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
  Watch::Verdict judge(const ResourceId& id, const std::string& prefix, const std::string& path);

  std::unique_ptr<State> state_;
  std::unique_ptr<Watch> watch_;
};

}  // namespace gitopsd::host
