#include "providers/host/host.h"

#include <unistd.h>

#include "base/hash.h"
#include "providers/host/path.h"
#include "providers/host/verbs.h"
#include "providers/host/wanted.h"
#include "providers/protocol/state_folder.h"

namespace gitopsd::host {
namespace {

// What a watch event makes us read at most; a larger file counts as changed, and `observe` reads it.
constexpr off_t kMaxJudged = 16 << 20;

void refuse_settings(const Value& settings) {
  if (settings.is_null() || (settings.is_object() && settings.as_object().empty())) return;
  throw fail(ProblemCause::input, "the host provider has no settings",
             "remove `settings` of the destination; what an application may do is its `policy`");
}

}  // namespace

Host::~Host() {
  shutdown();
}

protocol::InitializeResult Host::initialize(const protocol::InitializeRequest& request,
                                            std::shared_ptr<protocol::Notifier> notifier) {
  refuse_settings(request.settings);
  watch_.reset();
  state_.reset();
  state_ = std::make_unique<State>(protocol::state_folder(request));
  Watch::Handlers handlers;
  handlers.judge = [this](const auto& id, const auto& prefix, const auto& path) {
    return judge(id, prefix, path);
  };
  handlers.changed = [notifier](const std::string& application, std::vector<ResourceId> ids, bool all) {
    notifier->changed({application, std::move(ids), all});
  };
  watch_ = std::make_unique<Watch>(std::move(handlers));
  state_->in_flight.ended = [this] { watch_->settled(); };

  protocol::InitializeResult result;
  result.name = "host";
  result.version = GITOPSD_VERSION;
  result.kinds = kind_schemas();
  result.features = {"watch", "list"};
  result.parallel = 8;
  result.render_context = Value::object();
  result.render_context_digest = to_hex(sha256("{}"));
  notifier->changed({{}, {}, true});
  return result;
}

protocol::ResolveResult Host::resolve(const protocol::ResolveRequest& request, protocol::CallContext&) {
  return host::resolve(request);
}

protocol::PlanResult Host::plan(const protocol::PlanRequest& request, protocol::CallContext& context) {
  return host::plan(*state_, request, context);
}

protocol::ApplyResult Host::apply(const protocol::ApplyRequest& request, protocol::CallContext& context,
                                  const protocol::ProgressSink& progress) {
  auto result = host::apply(*state_, request, context, progress);
  for (std::size_t i = 0; i < result.steps.size(); ++i)
    if (result.steps[i].state == protocol::StepState::done &&
        request.steps[i].action == protocol::Action::remove)
      watch_->remove(path_of(request.steps[i].id));
  return result;
}

protocol::ObserveResult Host::observe(const protocol::ObserveRequest& request, protocol::CallContext&) {
  return host::observe(*state_, watch_.get(), request);
}

protocol::ListResult Host::list(const protocol::ListRequest&, protocol::CallContext&) {
  protocol::ListResult result;
  for (const auto& [id, record] : state_->owned.all())
    result.items.push_back({id, record.owner, record.digest});
  return result;
}

void Host::shutdown() {
  watch_.reset();
  state_.reset();
}

Watch::Verdict Host::judge(const ResourceId& id, const std::string& prefix, const std::string& path) {
  if (state_->in_flight.contains(id)) return Watch::Verdict::busy;
  auto record = state_->owned.find(id);
  auto receipt = record ? receipt_of(record->receipt) : std::nullopt;
  try {
    auto place = open_place(prefix, path);
    const Seen seen = place ? look(*place, nullptr) : Seen{};
    // Gone, and not remembered: we removed it ourselves.
    if (!record && seen.facts.type == Type::absent) return Watch::Verdict::ours;
    if (!receipt || receipt->key_id != state_->key_id) return Watch::Verdict::changed;
    if (seen.fingerprint.size > kMaxJudged && !state_->verified.holds(id, seen, receipt->facts))
      return Watch::Verdict::changed;
    const auto now = compare(*state_, id, prefix, path, *receipt, false);
    // A write of ours may have begun meanwhile; its end asks again.
    if (state_->in_flight.contains(id)) return Watch::Verdict::busy;
    return now.differences.empty() ? Watch::Verdict::ours : Watch::Verdict::changed;
  } catch (const Failure&) {
    return Watch::Verdict::changed;
  }
}

}  // namespace gitopsd::host
