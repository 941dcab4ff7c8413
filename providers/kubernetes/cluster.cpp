#include "providers/kubernetes/cluster.h"

#include <algorithm>

#include "base/json.h"
#include "providers/kubernetes/complaints.h"
#include "providers/kubernetes/server_field.h"
#include "providers/kubernetes/spaces.h"

namespace gitopsd::kubernetes {
namespace {

using protocol::WireProblem;

constexpr const char* kAggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
/// The server allows 100 streams on a connection, and libcurl opens another where those are taken.
constexpr int kMostWatches = 1000;

WireProblem problem_from(ProblemCause cause, std::string code, std::string message, std::string hint = {}) {
  WireProblem problem;
  problem.cause = cause;
  problem.code = std::move(code);
  problem.message = std::move(message);
  problem.hint = std::move(hint);
  return problem;
}

std::vector<WireProblem> invalid_fields(const Value& status, const std::string& doing) {
  std::vector<WireProblem> out;
  const Value* details = status.find("details");
  if (details == nullptr) return out;
  for (const Value& cause : details->get_array("causes")) {
    auto problem =
        problem_from(ProblemCause::input, "invalid",
                     doing + ": " + cause.get_string("field") + ": " + cause.get_string("message"));
    problem.pointer = pointer_of_field(cause.get_string("field"));
    out.push_back(std::move(problem));
  }
  return out;
}

std::vector<WireProblem> problems_from(const std::vector<Complaint>& complaints, const std::string& doing) {
  std::vector<WireProblem> out;
  for (const auto& [field, message] : complaints) {
    const std::string at = field.empty() ? "" : field + ": ";
    out.push_back(problem_from(ProblemCause::input, "invalid", doing + ": " + at + message));
    out.back().pointer = pointer_of_field(field);
  }
  return out;
}

WireProblem conflict(const Value& status, const std::string& doing) {
  std::string fields;
  if (const Value* details = status.find("details"))
    for (const Value& cause : details->get_array("causes")) {
      if (cause.get_string("reason") != "FieldManagerConflict") continue;
      fields +=
          (fields.empty() ? "" : "; ") + cause.get_string("field") + " (" + cause.get_string("message") + ")";
    }
  return problem_from(
      ProblemCause::conflict, "conflict", doing + ": others manage what is declared: " + fields,
      "remove these fields from the repository, or let `conflicts: force` in the application's "
      "policy take them over");
}

/// What stands between quotes after these words; empty where they do not occur.
std::string quoted_after(std::string_view text, std::string_view words) {
  const auto at = text.find(words);
  const auto begin = at == text.npos ? text.npos : at + words.size();
  const auto end = begin == text.npos ? text.npos : text.find('"', begin);
  return end == text.npos ? std::string() : std::string(text.substr(begin, end - begin));
}

/// Whether each kind that is declared needs it, and then the others as well. `list` is asked for alone, too.
bool of_every_kind(std::string_view verb) {
  return verb == "get" || verb == "create" || verb == "patch" || verb == "delete";
}

/// What has to be granted to whom, from: User "x" cannot patch resource "pods" in API group "" in the
/// namespace "y".
std::string missing_grant(std::string_view message) {
  const std::string user = quoted_after(message, "User \""), resource = quoted_after(message, "resource \""),
                    group = quoted_after(message, "API group \""),
                    space = quoted_after(message, "in the namespace \"");
  constexpr std::string_view cannot = "\" cannot ";
  const auto verb = message.find(cannot);
  if (user == "system:anonymous")
    return "the server took no credentials: give the context of the kubeconfig a user that has some";
  if (user.empty() || resource.empty() || verb == message.npos) return {};
  const auto begin = verb + cannot.size();
  const auto refused = message.substr(begin, message.find(' ', begin) - begin);
  const std::string what = "`" + resource + (group.empty() ? "" : "." + group) + "` " +
                           (space.empty() ? "in the whole cluster" : "in namespace " + space);
  if (!of_every_kind(refused) || resource.find('/') != resource.npos)
    return "give " + user + " the verb `" + std::string(refused) + "` on " + what +
           (space.empty() ? ", by a ClusterRole and a ClusterRoleBinding"
                          : ", by a Role and a RoleBinding there");
  return "give " + user + " all that is needed on " + what + ", by a " +
         (space.empty() ? "ClusterRoleBinding to a ClusterRole" : "RoleBinding there to a Role") +
         " with the rule {apiGroups: [\"" + group + "\"], resources: [" + resource +
         "], verbs: [get, list, watch, create, patch, delete]}";
}

}  // namespace

Cluster::Cluster(const ClientConfig& config, std::string name, Credentials::Renew renew)
    : name_(std::move(name)),
      credentials_(std::make_shared<Credentials>(config, system_clock(),
                                                 PluginSurroundings::of_this_process(), std::move(renew))),
      requests_(credentials_,
                {.trouble = [this] { trouble(); },
                 .connected = [this] { ++troubles_; },
                 .may_write = [this](std::uint64_t kubeconfig) { return kubeconfig == writable_; }}),
      watches_(credentials_, {.in_flight = kMostWatches,
                              .body_bytes = std::size_t{64} << 20,
                              .trouble = [this] { trouble(); }}) {}

void Cluster::trouble() {
  ++troubles_;
  doubts_.ring();
}

Cluster::Answer Cluster::get(const std::string& path, const std::string& accept, const std::string& doing,
                             std::chrono::milliseconds timeout, const std::string& etag) {
  HttpRequest request;
  request.path = path;
  request.accept = accept;
  request.timeout = timeout;
  if (!etag.empty()) request.headers.emplace_back("If-None-Match", etag);
  const auto response = requests_.send(std::move(request));
  if (response.status == 304 && !etag.empty()) return {{}, etag};
  if (response.status != 200) throw failure_of(response, doing);
  return {parse_go_json(response.body, path), response.etag};
}

/// With the mutex. The same as before where the server says that nothing changed.
std::shared_ptr<const Kinds> Cluster::discover() {
  constexpr const char* doing = "cannot ask for the kinds";
  constexpr std::chrono::seconds patience{30};
  Answer core = get("/api", kAggregated, doing, patience, kinds_ ? etag_core_ : "");
  Answer groups = get("/apis", kAggregated, doing, patience, kinds_ ? etag_groups_ : "");
  if (core.value.is_null() && groups.value.is_null()) return kinds_;
  if (core.value.is_null()) core = get("/api", kAggregated, doing);
  if (groups.value.is_null()) groups = get("/apis", kAggregated, doing);
  auto found = std::make_shared<Kinds>();
  found->add(core.value);
  found->add(groups.value);
  if (kinds_) found->keep_stale(*kinds_);
  etag_core_ = core.etag;
  etag_groups_ = groups.etag;
  return found;
}

std::shared_ptr<const Kinds> Cluster::kinds() {
  return kinds_not_older_than(std::chrono::hours(24));
}

std::shared_ptr<const Kinds> Cluster::kinds_not_older_than(std::chrono::milliseconds age) {
  const std::lock_guard lock(mutex_);
  const auto now = Monotonic::now();
  if (kinds_ && now - discovered_ <= age) return kinds_;
  auto found = discover();
  if (found != kinds_) doubts_.ring();
  kinds_ = std::move(found);
  discovered_ = now;
  return kinds_;
}

std::string Cluster::version(std::chrono::milliseconds timeout) {
  return get("/version", "application/json", {}, timeout).value.get_string("gitVersion");
}

Value status_of(const HttpResponse& response) try {
  Value status = parse_go_json(response.body, "the answer");
  return status.get_string("kind") == "Status" ? status : Value::object();
} catch (const Failure&) {
  return Value::object();
}

bool has_cause(const Value& status, std::string_view reason) {
  const Value* details = status.find("details");
  if (details == nullptr) return false;
  const auto& causes = details->get_array("causes");
  return std::any_of(causes.begin(), causes.end(),
                     [&](const Value& cause) { return cause.get_string("reason") == reason; });
}

/// "context 'prod' of /etc/kubeconfig, user 'gitopsd': the certificate of 'CN=gitopsd' expired at ..."
std::string Cluster::credentials_problem() const {
  const std::string who = credentials_->who(), fault = credentials_->fault();
  return name_ + (who.empty() ? "" : ", " + who) + (fault.empty() ? "" : ": " + fault);
}

std::string Cluster::certificate_hint() const {
  const std::string file = credentials_->config()->certificate_authority_file;
  return "renew the server's certificate, or name the authority that signed it as certificate-authority" +
         (file.empty() ? " in " + credentials_->config()->origin : ": now it is " + file);
}

std::vector<WireProblem> Cluster::problems_of(const HttpResponse& response, const std::string& doing) const {
  using Cause = ProblemCause;
  const std::string at = doing.empty() ? "" : doing + ": ";
  if (response.status == 0)
    return {problem_from(Cause::transient, "unreachable",
                         at + name_ + " cannot be reached: " + response.error,
                         response.certificate ? certificate_hint() : "")};
  const Value status = status_of(response);
  std::string message = status.get_string("message");
  if (message.empty()) message = "the API server answered " + std::to_string(response.status);
  const std::string what = at + message;
  switch (response.status) {
    case 401:
      // Somebody will renew them, and what waits for that is to be done then.
      return {problem_from(Cause::transient, "unauthenticated",
                           at + "the API server does not accept the credentials of " + credentials_problem(),
                           "renew the token or certificate that the kubeconfig names; no restart is needed")};
    case 403:
      if (has_cause(status, "NamespaceTerminating")) {
        auto problem =
            problem_from(Cause::transient, "terminating",
                         at + "waits for the namespace to be gone, deleted by somebody: " + message);
        problem.retry_after_seconds = kSpaceMayBeGone;
        return {problem};
      }
      // No breach of the policy: somebody may grant it at any time.
      return {problem_from(Cause::destination, "forbidden", what, missing_grant(message))};
    case 400:
    case 500:
      // A schema error of a server-side apply is a 500, and no reason to try again.
      if (auto found = complaints_in(message); !found.empty()) return problems_from(found, doing);
      return {response.status == 400 ? problem_from(Cause::input, "invalid", what)
                                     : problem_from(Cause::transient, "server", what)};
    case 404:
      // It went while this was on its way, and is looked for when that is planned again.
      if (const Value* details = status.find("details");
          details && details->get_string("kind") == "namespaces")
        return {problem_from(Cause::transient, "no-namespace", what)};
      return {problem_from(Cause::destination, "refused", what)};
    case 409:
      if (has_cause(status, "FieldManagerConflict")) return {conflict(status, doing)};
      return {problem_from(Cause::transient, "stale", what)};
    case 422:
      if (auto fields = invalid_fields(status, doing); !fields.empty()) return fields;
      return {problem_from(Cause::input, "invalid", what)};
    case 429:
    case 503:
    case 504:
      return {problem_from(Cause::transient, "busy", what)};
    default:
      // 502 and the like come from what stands before the server.
      if (response.status > 500 || response.status == 408)
        return {problem_from(Cause::transient, "busy", what)};
      return {problem_from(Cause::destination, "refused", what)};
  }
}

Failure Cluster::failure_of(const HttpResponse& response, const std::string& doing) const {
  const auto problems = problems_of(response, doing);
  return fail(problems.front().cause, problems.front().message, problems.front().hint);
}

}  // namespace gitopsd::kubernetes
