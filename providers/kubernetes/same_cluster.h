// Which cluster answers: the uid of its Namespace kube-system, which is as old as the cluster. Nothing is
// done at another one than is meant.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "providers/kubernetes/cluster.h"

namespace gitopsd::kubernetes {

/// Thread-safe.
class SameCluster {
 public:
  struct Tell {
    std::function<void(const std::string& uid)> found;  ///< another one than before; empty: it cannot be told
    std::function<void(const protocol::Condition&)> condition;
    std::function<void()> restart;  ///< what is known here is of another cluster
  };
  /// `meant`: the uid of the one that it has to be; empty: the first one that answers.
  SameCluster(Cluster&, std::string meant, Tell);

  /// False where it is not the one that is meant, or that cannot be told. Throws Failure where the cluster
  /// does not answer, or has lost its etcd.
  bool look(std::chrono::milliseconds patience);
  /// The same, and looks only where it may be another one since the last look.
  bool is_meant();
  /// Why it is not. Its cause is transient.
  Failure refusal() const;
  /// Throws Failure (transient) unless it is the one that is meant.
  void make_sure();

  /// As it was found; nothing where it was not yet, empty where it cannot be told. From now on `found` is
  /// told.
  std::optional<std::string> first();

 private:
  bool ask(std::chrono::milliseconds patience);
  bool answer(std::chrono::milliseconds patience);
  bool found(const std::string& uid);
  bool hidden(const HttpResponse&, std::chrono::milliseconds patience);
  void say(const protocol::Condition&);

  Cluster& cluster_;
  const Tell tell_;
  mutable std::mutex mutex_;  ///< held while it looks
  std::string meant_, seen_;  ///< uids
  std::optional<std::string> found_;
  bool same_ = false, telling_ = false, said_ = false;
  Cluster::Connected looked_;  ///< when it was the same
  struct Failed {
    Failure why;
    Monotonic::time_point when;
  };
  std::optional<Failed> failed_;  ///< the last look, where it did
};

}  // namespace gitopsd::kubernetes
