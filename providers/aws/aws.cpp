#include "providers/aws/aws.h"

#include "base/hash.h"
#include "base/json.h"
#include "providers/aws/content.h"
#include "providers/aws/verbs.h"
#include "providers/protocol/state_folder.h"

namespace gitopsd::aws {

protocol::InitializeResult Aws::initialize(const protocol::InitializeRequest& request,
                                           std::shared_ptr<protocol::Notifier> notifier) {
  const Settings settings = read_settings(request.settings);
  const std::string folder = protocol::state_folder(request);
  state_ =
      std::make_unique<State>(settings, protocol::load_state_key(folder), folder, request.identity, notifier);
  protocol::InitializeResult result;
  result.name = "aws";
  result.version = GITOPSD_VERSION;
  result.kinds = Value::object(
      {{std::string(kStackKind), stack_schema()}, {std::string(kContentKind), content_schema()}});
  result.features = {"list", "conditions", "independent"};
  result.parallel = 8;
  result.identity = state_->identity();
  result.render_context = Value::object({{"account", settings.account},
                                         {"region", settings.region},
                                         {"partition", partition_of(settings.region).name}});
  result.render_context_digest = to_hex(sha256(to_json(result.render_context)));
  notifier->changed({{}, {}, true});
  return result;
}

protocol::ResolveResult Aws::resolve(const protocol::ResolveRequest& request,
                                     protocol::CallContext& context) {
  return aws::resolve(state_->client.settings(), request, context.blobs);
}

protocol::PlanResult Aws::plan(const protocol::PlanRequest& request, protocol::CallContext& context) {
  return aws::plan(*state_, request, context);
}

protocol::ApplyResult Aws::apply(const protocol::ApplyRequest& request, protocol::CallContext& context,
                                 const protocol::ProgressSink& progress) {
  return aws::apply(*state_, request, context, progress);
}

protocol::ObserveResult Aws::observe(const protocol::ObserveRequest& request,
                                     protocol::CallContext& context) {
  return aws::observe(*state_, request, context);
}

protocol::ListResult Aws::list(const protocol::ListRequest& request, protocol::CallContext& context) {
  state_->check_account(context.cancelled);
  protocol::ListResult result;
  for (const auto& region : state_->regions())
    for (const auto& stack : state_->cloudformation(region).stacks(context.cancelled))
      if (const auto owner = owner_of(stack.tags); owner && owner->installation == request.installation)
        result.items.push_back({id_of(StackPlace{region, stack.name}.text()), *owner, {}});
  for (const auto& [id, ledger] : state_->ledgers.all()) {
    const std::string mark = ledger->owner();
    const auto slash = mark.find('/');
    if (slash != mark.npos && mark.substr(0, slash) == request.installation)
      result.items.push_back({id, {mark.substr(0, slash), mark.substr(slash + 1)}, {}});
  }
  return result;
}

void Aws::discard(const protocol::DiscardRequest& request, protocol::CallContext& context) {
  aws::discard(*state_, request.token, context.cancelled);
}

void Aws::shutdown() {
  state_.reset();
}

}  // namespace gitopsd::aws
