// Stacks on their way out: a deletion may take longer than the call that asked for it, and the daemon wants
// to be told of its end.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "providers/aws/cloudformation.h"
#include "providers/protocol/service.h"

namespace gitopsd::aws {

class Deletions {
 public:
  using Region = std::function<CloudFormation&(const std::string&)>;
  Deletions(Region region, std::shared_ptr<protocol::Notifier> notifier)
      : region_(std::move(region)), notifier_(std::move(notifier)) {}
  ~Deletions();
  Deletions(const Deletions&) = delete;
  Deletions& operator=(const Deletions&) = delete;

  struct Leaving {
    std::string application;
    ResourceId resource;
    std::string region;  ///< empty: the destination's
  };
  /// Until it is gone, or stays: `changed` tells either. `stack`: its id.
  void watch(const std::string& stack, const Leaving&);

 private:
  void run(const std::stop_token&);
  /// Whether nothing more is to be waited for.
  bool has_ended(const std::string& stack, const Leaving&, const std::stop_token&);

  const Region region_;
  const std::shared_ptr<protocol::Notifier> notifier_;
  std::mutex mutex_;
  std::condition_variable_any woken_;
  bool news_ = false;                       ///< one more is leaving
  std::map<std::string, Leaving> leaving_;  ///< by the stack's id
  std::jthread thread_;                     ///< the last: it uses what is above
};

}  // namespace gitopsd::aws
