#include "providers/kubernetes/same_cluster.h"

#include "base/json.h"
#include "base/log.h"
#include "base/problem.h"

namespace gitopsd::kubernetes {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kPatienceOfCall = 10s;
constexpr auto kNotAskedAgain = 5s;  ///< after it failed to answer
constexpr const char* kIdentity = "identity";

/// From: User "x" cannot get resource ...
std::string user_of(const std::string& message) {
  constexpr std::string_view before = "User \"";
  const auto at = message.find(before);
  if (at == message.npos) return "its user";
  const auto begin = at + before.size();
  return message.substr(begin, message.find('"', begin) - begin);
}

protocol::Condition hidden_from(const std::string& user) {
  return {kIdentity,
          "that the kubeconfig leads to another cluster than before would not be seen: " + user +
              " may not read the Namespace kube-system",
          "give " + user +
              ", by a ClusterRole and a ClusterRoleBinding, the rule {apiGroups: [\"\"], resources: "
              "[namespaces], "
              "resourceNames: [kube-system], verbs: [get]}",
          false,
          {}};
}

}  // namespace

SameCluster::SameCluster(Cluster& cluster, std::string meant, Tell tell)
    : cluster_(cluster), tell_(std::move(tell)), meant_(std::move(meant)) {}

/// A read of one object is answered by etcd, not from the API server's memory.
bool SameCluster::look(std::chrono::milliseconds patience) {
  const std::lock_guard lock(mutex_);
  return ask(patience);
}

/// With the mutex.
bool SameCluster::ask(std::chrono::milliseconds patience) {
  failed_.reset();
  try {
    return answer(patience);
  } catch (const Failure& failure) {
    failed_ = {failure, Monotonic::now()};
    throw;
  }
}

/// With the mutex.
bool SameCluster::answer(std::chrono::milliseconds patience) {
  const auto connected = cluster_.connected();
  HttpRequest request;
  request.path = "/api/v1/namespaces/kube-system";
  request.accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
  request.first = true;
  request.timeout = patience;
  const auto response = cluster_.http().send(std::move(request));
  if (response.status == 403 || response.status == 404) {
    same_ = hidden(response, patience);
  } else if (response.status != 200) {
    throw cluster_.failure_of(response, response.status == 0 ? "" : "cannot read the Namespace kube-system");
  } else {
    const Value object = parse_go_json(response.body, "the Namespace kube-system");
    const Value* metadata = object.find("metadata");
    same_ = found(metadata ? metadata->get_string("uid") : std::string());
  }
  if (same_) {
    looked_ = connected;
    cluster_.let_write(connected);
  }
  return same_;
}

/// With the mutex.
bool SameCluster::found(const std::string& uid) {
  say({kIdentity});
  if (!seen_.empty() && seen_ != uid) {
    log::warning("the kubeconfig leads to another cluster: starting anew", {{"uid", uid}, {"before", seen_}});
    found_ = uid;  // for the refusal of what is under way
    tell_.restart();
    return false;
  }
  seen_ = uid;
  if (meant_.empty()) meant_ = uid;
  if (found_ != uid) {
    found_ = uid;
    if (telling_) tell_.found(uid);
  }
  return uid == meant_;
}

/// With the mutex. Who may not see it may do all else, as long as nobody knows which cluster is meant.
bool SameCluster::hidden(const HttpResponse& response, std::chrono::milliseconds patience) {
  HttpRequest request;
  request.path = "/readyz";
  request.first = true;
  request.timeout = patience;
  const auto ready = cluster_.http().send(std::move(request));
  if (ready.status == 0) throw cluster_.failure_of(ready, {});
  if (ready.status == 500 && ready.body.find("[-]etcd") != std::string::npos)
    throw fail(ProblemCause::transient, cluster_.name() + ": the API server does not reach its etcd");
  say(hidden_from(user_of(status_of(response).get_string("message"))));
  if (found_ != "") {
    found_ = "";
    if (telling_) tell_.found("");
  }
  return meant_.empty();
}

/// With the mutex. Once.
void SameCluster::say(const protocol::Condition& condition) {
  if (said_ == !condition.message.empty()) return;
  said_ = !said_;
  tell_.condition(condition);
}

bool SameCluster::is_meant() {
  const std::lock_guard lock(mutex_);
  if (same_ && looked_ == cluster_.connected()) return true;
  // Those who waited here for a cluster that does not answer do not each wait for it again.
  if (failed_ && Monotonic::now() - failed_->when < kNotAskedAgain) throw failed_->why;
  return ask(kPatienceOfCall);
}

void SameCluster::make_sure() {
  if (!is_meant()) throw refusal();
}

Failure SameCluster::refusal() const {
  const std::lock_guard lock(mutex_);
  if (!found_ || found_->empty())
    return fail(
        ProblemCause::transient,
        "whether " + cluster_.name() + " still leads to the cluster of uid " + meant_ + " cannot be told");
  return fail(ProblemCause::transient,
              cluster_.name() + " leads to another cluster: uid " + *found_ + ", not " + meant_);
}

std::optional<std::string> SameCluster::first() {
  const std::lock_guard lock(mutex_);
  telling_ = true;
  return found_;
}

}  // namespace gitopsd::kubernetes
