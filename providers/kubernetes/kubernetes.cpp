#include "providers/kubernetes/kubernetes.h"

#include <signal.h>
#include <unistd.h>

#include <optional>

#include "base/json.h"
#include "base/log.h"
#include "base/problem.h"
#include "providers/kubernetes/settings.h"
#include "providers/kubernetes/verbs.h"
#include "providers/protocol/state_folder.h"

namespace gitopsd::kubernetes {
namespace {

void start_anew() {
  ::kill(::getpid(), SIGTERM);
}

/// What the kubeconfig says now, where it was replaced. Another server may be another cluster, of which
/// nothing that is known here is true: that takes a new process, which the daemon starts.
Credentials::Renew renew_from(std::optional<Kubeconfig> kubeconfig, const ClientConfig& before) {
  if (!kubeconfig) return {};
  return [kubeconfig = std::make_shared<Kubeconfig>(std::move(*kubeconfig)),
          server = before.server]() -> std::optional<ClientConfig> {
    auto renewed = kubeconfig->renewed(Monotonic::now());
    if (!renewed || renewed->server == server) return renewed;
    log::warning("the kubeconfig names another server: starting anew",
                 {{"server", renewed->server}, {"before", server}});
    start_anew();
    return std::nullopt;
  };
}

protocol::ObserveResult nothing_known(const protocol::ObserveRequest& request, const std::string& why) {
  protocol::ObserveResult result;
  for (const auto& entry : request.entries) {
    protocol::Observation unknown;
    unknown.id = entry.id;
    unknown.reason = why;
    result.observations.push_back(std::move(unknown));
  }
  return result;
}

constexpr const char* kAway = "cluster";

/// A server that answers, and does not let itself be asked for its version or kinds, may do all else.
protocol::Condition away(const Failure& why) {
  const Problem& problem = why.problems().front();
  return {kAway, problem.message, problem.hint, problem.cause == ProblemCause::transient, {}};
}

}  // namespace

Kubernetes::~Kubernetes() {
  shutdown();
}

protocol::InitializeResult Kubernetes::initialize(const protocol::InitializeRequest& request,
                                                  std::shared_ptr<protocol::Notifier> notifier) {
  Settings settings = read_settings(request.settings);
  const std::string folder = protocol::state_folder(request);
  shutdown();
  auto renew = renew_from(std::move(settings.kubeconfig), settings.config);
  state_ = std::make_unique<State>(
      settings.config, settings.name, std::move(renew), protocol::load_state_key(folder),
      std::move(settings.health),
      [notifier](const std::string& application, std::vector<ResourceId> ids, bool all) {
        notifier->changed({application, std::move(ids), all});
      },
      [notifier](const protocol::Condition& condition) { notifier->condition(condition); });
  same_ = std::make_unique<SameCluster>(
      state_->cluster, request.identity,
      SameCluster::Tell{[notifier](const std::string& uid) {
                          notifier->identified({uid});
                          notifier->changed({{}, {}, true});
                        },
                        [notifier](const protocol::Condition& condition) { notifier->condition(condition); },
                        start_anew});
  capabilities_ = std::make_unique<Capabilities>(
      state_->cluster, *same_, settings.look, folder + "/context.json",
      Capabilities::Tell{[notifier](const Value& now, const std::string& digest) {
                           notifier->context({digest, now});
                         },
                         [notifier](const Failure& why) { notifier->condition(away(why)); },
                         [notifier] {
                           notifier->condition({kAway});
                           notifier->changed({{}, {}, true});
                         }});
  protocol::InitializeResult result;
  result.name = "kubernetes";
  result.version = GITOPSD_VERSION;
  result.features = {"watch", "list", "conditions"};
  result.parallel = 8;
  result.kinds = Value::object();
  result.render_context = capabilities_->first();
  result.render_context_digest = Capabilities::digest_of(capabilities_->first());
  result.identity = same_->first();
  notifier->changed({{}, {}, true});
  capabilities_->watch();
  return result;
}

protocol::ResolveResult Kubernetes::resolve(const protocol::ResolveRequest& request, protocol::CallContext&) {
  return kubernetes::resolve(*state_, request);
}

protocol::PlanResult Kubernetes::plan(const protocol::PlanRequest& request, protocol::CallContext& context) {
  same_->make_sure();
  return kubernetes::plan(*state_, request, context);
}

protocol::ApplyResult Kubernetes::apply(const protocol::ApplyRequest& request, protocol::CallContext& context,
                                        const protocol::ProgressSink& progress) {
  same_->make_sure();
  return kubernetes::apply(*state_, request, context, progress);
}

protocol::ObserveResult Kubernetes::observe(const protocol::ObserveRequest& request, protocol::CallContext&) {
  bool meant = false;
  try {
    meant = same_->is_meant();
  } catch (const Failure& away) {
    return nothing_known(request, away.problems().front().message);
  }
  if (!meant) throw same_->refusal();
  return kubernetes::observe(*state_, request);
}

/// By our label, over every kind that can be listed.
protocol::ListResult Kubernetes::list(const protocol::ListRequest& request, protocol::CallContext&) {
  same_->make_sure();
  protocol::ListResult result;
  const auto kinds = state_->cluster.kinds();
  for (const auto& [type, kind] : kinds->all()) {
    if (kind.versions.empty() || !kind.watchable) continue;
    HttpRequest ask;
    ask.path = path_of(kind, type, kind.versions.front(), {}, {}) +
               "?labelSelector=" + escape(std::string(kInstallation) + "=" + request.installation);
    ask.accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    const auto response = state_->cluster.http().send(std::move(ask));
    if (response.status != 200) throw state_->cluster.failure_of(response, "cannot list " + type.str());
    const Value found = parse_go_json(response.body, type.str());
    for (const Value& item : found.get_array("items")) {
      const Value* metadata = item.find("metadata");
      if (!metadata) continue;
      const Id id{type, metadata->get_string("namespace"), metadata->get_string("name")};
      if (const auto owner = owner_of(item, id)) result.items.push_back({id.resource(), *owner, {}});
    }
  }
  return result;
}

void Kubernetes::shutdown() {
  capabilities_.reset();
  same_.reset();
  state_.reset();
}

}  // namespace gitopsd::kubernetes
