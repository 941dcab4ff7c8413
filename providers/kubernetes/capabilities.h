// What charts may know of the cluster, as it is now, and whether it answers.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "base/problem.h"
#include "base/value.h"
#include "providers/kubernetes/same_cluster.h"

namespace gitopsd::kubernetes {

/// The server's version, and every version of an API and every kind that it serves: all that a chart can ask
/// of `.Capabilities`.
Value capabilities_of(const std::string& version, const Kinds&);

/// Looks every so often (which costs the server next to nothing while all is as it was), and at once when
/// a connection breaks or a kind appears. Thread-safe.
class Capabilities {
 public:
  struct Tell {
    std::function<void(const Value& capabilities, const std::string& digest)> changed;
    /// It has not answered twice in a row, or not as it should, and why.
    std::function<void(const Failure&)> away;
    std::function<void()> back;  ///< it answers again, also after the first time that it did not
  };
  /// Looks once before it returns. `remembered`: a file that keeps what was known last, for while the cluster
  /// does not answer; else everything would be rendered anew each time it comes back.
  Capabilities(Cluster&, SameCluster&, std::chrono::milliseconds interval, std::string remembered, Tell);
  ~Capabilities();

  /// As found by the first look.
  const Value& first() const { return first_; }
  static std::string digest_of(const Value& capabilities);
  /// From now on tells.
  void watch();

 private:
  void loop();
  void look(std::chrono::milliseconds patience);
  void use_remembered();
  Value remember() const;

  Cluster& cluster_;
  SameCluster& same_;
  const std::chrono::milliseconds interval_;
  const std::string remembered_;
  const Tell tell_;
  Value first_;
  std::string digest_;
  int failures_ = 0;  ///< in a row
  std::string said_;  ///< of why it does not answer
  std::thread thread_;
};

}  // namespace gitopsd::kubernetes
