// One API server, as one identity: its connections, what kinds it has, and its errors in our words.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "providers/kubernetes/alarm.h"
#include "providers/kubernetes/discovery.h"
#include "providers/kubernetes/http.h"
#include "providers/protocol/messages.h"

namespace gitopsd::kubernetes {

/// Thread-safe.
class Cluster {
 public:
  /// Connects at the first request. `name` is for people: "context 'prod' of /etc/gitopsd/kubeconfig".
  Cluster(const ClientConfig&, std::string name, Credentials::Renew renew = {});

  /// Throws Failure where discovery does not answer.
  std::shared_ptr<const Kinds> kinds();
  /// Asks the server anew, unless what is known is younger than `age`.
  std::shared_ptr<const Kinds> kinds_not_older_than(std::chrono::milliseconds age);
  /// The server's /version, "v1.34.3". Throws Failure.
  std::string version(std::chrono::milliseconds timeout);

  /// Rings when the cluster may be another than it was: a connection broke, credentials were refused, or
  /// kinds came or went.
  Alarm& doubts() { return doubts_; }

  /// Another one than before: it may be another cluster than it was, since a connection broke or is new, or
  /// the kubeconfig was replaced.
  struct Connected {
    std::uint64_t troubles = 0, kubeconfig = 0;
    bool operator==(const Connected&) const = default;
  };
  Connected connected() const { return {troubles_, credentials_->kubeconfig()}; }
  /// What `connected()` said before it was looked which cluster answers: with no other kubeconfig anything is
  /// written.
  void let_write(const Connected& connected) { writable_ = connected.kubeconfig; }

  /// "context 'prod' of /etc/gitopsd/kubeconfig"
  const std::string& name() const { return name_; }

  HttpClient& http() { return requests_; }
  HttpClient& watches() { return watches_; }

  /// What an answer without success means; `doing` begins the message: "cannot read ConfigMap/web/a". It may
  /// be empty. More than one where the server names several fields.
  std::vector<protocol::WireProblem> problems_of(const HttpResponse&, const std::string& doing) const;
  /// The same to throw.
  Failure failure_of(const HttpResponse&, const std::string& doing) const;

 private:
  struct Answer {
    Value value;  ///< null when the server has nothing newer than `etag`
    std::string etag;
  };
  std::shared_ptr<const Kinds> discover();
  void trouble();
  std::string credentials_problem() const;
  std::string certificate_hint() const;
  Answer get(const std::string& path, const std::string& accept, const std::string& doing,
             std::chrono::milliseconds timeout = std::chrono::seconds(30), const std::string& etag = {});

  const std::string name_;
  Alarm doubts_;
  std::atomic<std::uint64_t> troubles_{0}, writable_{0};
  const std::shared_ptr<Credentials> credentials_;
  HttpClient requests_, watches_;
  std::mutex mutex_;
  std::shared_ptr<const Kinds> kinds_;
  std::string etag_core_, etag_groups_;  ///< of what `kinds_` was made from
  Monotonic::time_point discovered_;
};

/// The server's Status where the answer is one, else an empty object.
Value status_of(const HttpResponse&);
/// Whether the status has a cause of that reason.
bool has_cause(const Value& status, std::string_view reason);

}  // namespace gitopsd::kubernetes
