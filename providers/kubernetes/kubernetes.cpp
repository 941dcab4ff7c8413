#include "providers/kubernetes/kubernetes.h"

#include <algorithm>
#include <cstdlib>
#include <set>
#include <utility>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/problem.h"
#include "providers/kubernetes/kubeconfig.h"
#include "providers/kubernetes/service_account.h"
#include "providers/kubernetes/verbs.h"
#include "providers/protocol/state_folder.h"

namespace gitopsd::kubernetes {
namespace {

constexpr std::chrono::seconds kVersionPatience{3};
constexpr std::size_t kContextBytes = 4u << 20;

/// A systemd credential of this unit.
std::string credential_path(const std::string& name) {
  const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
  if (!folder)
    throw fail(ProblemCause::input,
               "there is no systemd credential '" + name + "': this is no unit with credentials",
               "name the file by `kubeconfig` instead of `credential`");
  if (name.empty() || name.find('/') != name.npos)
    throw fail(ProblemCause::input, "'" + name + "' is no name of a credential");
  return std::string(folder) + "/" + name;
}

/// What is wrong with it travels to the daemon as words alone, so that they have to say where it is.
ClientConfig read_kubeconfig(const std::string& path, const std::string& context) try {
  return load_kubeconfig(path, context);
} catch (const Failure& failure) {
  Problem problem = failure.problems().front();
  if (problem.file.empty() || problem.message.find(problem.file) != problem.message.npos) throw;
  const std::string hint = std::exchange(problem.hint, {});
  throw fail(problem.cause, problem.str(), hint);
}

/// settings: {kubeconfig: PATH or credential: NAME, context: NAME}; neither means the service account of the
/// Pod we run in.
ClientConfig client_config(const Value& settings, std::string& name) {
  static const std::vector<std::string> known{"kubeconfig", "credential", "context", "health"};
  if (!settings.is_null() && !settings.is_object())
    throw fail(ProblemCause::input, "the settings of a Kubernetes destination are a mapping");
  if (settings.is_object())
    for (const auto& [key, value] : settings.as_object()) {
      if (std::find(known.begin(), known.end(), key) == known.end()) {
        const auto near = did_you_mean(key, known);
        throw fail(ProblemCause::input, "a Kubernetes destination has no setting `" + key + "`",
                   near.empty() ? "it has: kubeconfig, credential, context, health"
                                : "did you mean `" + near + "`?");
      }
      if (key != "health" && !value.is_string())
        throw fail(ProblemCause::input, "the setting `" + key + "` has to be a text");
    }
  std::string path = settings.get_string("kubeconfig");
  const std::string context = settings.get_string("context"), credential = settings.get_string("credential");
  if (!path.empty() && !credential.empty())
    throw fail(ProblemCause::input, "a Kubernetes destination has either `kubeconfig` or `credential`");
  if (!credential.empty()) path = credential_path(credential);
  if (path.empty() && !context.empty())
    throw fail(ProblemCause::input, "the setting `context` needs a `kubeconfig`");
  if (path.empty()) {
    name = "the cluster of this Pod";
    return service_account_config();
  }
  ClientConfig config = read_kubeconfig(path, context);
  name = "context '" + config.context + "' of " + path;
  return config;
}

/// What charts may know of the cluster, {kubeVersion, apiVersions}. Of one that cannot be asked now, as it
/// was when it was asked last: else everything would be rendered anew each time it comes back.
Value render_context(Cluster& cluster, const std::string& remembered) {
  try {
    Value context = Value::object({{"kubeVersion", cluster.version(kVersionPatience)}});
    std::set<std::string> versions;
    for (const auto& [type, kind] : cluster.kinds()->all())
      for (const auto& version : kind.versions) {
        const std::string api = type.group.empty() ? version : type.group + "/" + version;
        versions.insert(api);
        versions.insert(api + "/" + type.kind);
      }
    context.set("apiVersions", Value::Array(versions.begin(), versions.end()));
    write_file_atomically(remembered, to_json(context));
    return context;
  } catch (const Failure& failure) {
    log::warning("the cluster cannot be asked for its version", {{"why", failure.what()}});
  }
  try {
    return parse_json(read_file(remembered, kContextBytes), remembered);
  } catch (const Failure&) {
    return Value::object();
  }
}

}  // namespace

Kubernetes::~Kubernetes() {
  shutdown();
}

protocol::InitializeResult Kubernetes::initialize(const protocol::InitializeRequest& request,
                                                  std::shared_ptr<protocol::Notifier> notifier) {
  std::string name;
  const ClientConfig config = client_config(request.settings, name);
  std::vector<protocol::WireProblem> problems;
  auto rules = parse_health_rules(request.settings.find("health"), "/health", problems);
  if (!problems.empty()) throw fail(ProblemCause::input, problems[0].message, problems[0].hint);
  const std::string folder = protocol::state_folder(request);
  state_.reset();
  state_ = std::make_unique<State>(
      config, name, protocol::load_state_key(folder), std::move(rules),
      [notifier](const std::string& application, std::vector<ResourceId> ids, bool all) {
        notifier->changed({application, std::move(ids), all});
      });
  protocol::InitializeResult result;
  result.name = "kubernetes";
  result.version = GITOPSD_VERSION;
  result.features = {"watch", "list"};
  result.parallel = 8;
  result.kinds = Value::object();
  result.render_context = render_context(state_->cluster, folder + "/context.json");
  // The server's version alone: a CustomResourceDefinition that comes or goes renders nobody's charts anew.
  result.render_context_digest = to_hex(sha256(result.render_context.get_string("kubeVersion")));
  notifier->changed({{}, {}, true});
  return result;
}

protocol::ResolveResult Kubernetes::resolve(const protocol::ResolveRequest& request, protocol::CallContext&) {
  return kubernetes::resolve(*state_, request);
}

protocol::PlanResult Kubernetes::plan(const protocol::PlanRequest& request, protocol::CallContext& context) {
  return kubernetes::plan(*state_, request, context);
}

protocol::ApplyResult Kubernetes::apply(const protocol::ApplyRequest& request, protocol::CallContext& context,
                                        const protocol::ProgressSink& progress) {
  return kubernetes::apply(*state_, request, context, progress);
}

protocol::ObserveResult Kubernetes::observe(const protocol::ObserveRequest& request, protocol::CallContext&) {
  return kubernetes::observe(*state_, request);
}

/// By our label, over every kind that can be listed.
protocol::ListResult Kubernetes::list(const protocol::ListRequest& request, protocol::CallContext&) {
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
  state_.reset();
}

}  // namespace gitopsd::kubernetes
