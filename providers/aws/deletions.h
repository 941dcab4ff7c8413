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
#include "providers/aws/operation.h"
#include "providers/protocol/service.h"

namespace gitopsd::aws {

/// One that was asked for.
struct AskedDeletion {
  std::string token;   ///< of its events; empty: it was seen under way
  std::string reason;  ///< StackFacts::status_reason before
  Deadline shown{};    ///< until then a look may show the stack as it was before
};
struct DeletionLook {
  enum class End { none, gone, stays } end = End::none;
  std::string status;  ///< of the stack
  std::string why;     ///< it stays
};
/// `stack`: its id.
DeletionLook look_at_deletion(CloudFormation&, const std::string& stack, const AskedDeletion&, const PlaceOf&,
                              const Cancelled&);

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
    AskedDeletion asked{};
  };
  /// Until it is gone, or stays: `changed` tells either. `stack`: its id.
  void watch(const std::string& stack, const Leaving&);
  /// A condition until it is gone, or nobody wants it to go any more.
  void tell_that_it_stays(const std::string& application, const ResourceId&, const std::string& why);
  void forget(const ResourceId&);

 private:
  void run(const std::stop_token&);
  DeletionLook look_at(const std::string& stack, const Leaving&, const std::stop_token&);
  void end(const Leaving&, const DeletionLook&);

  const Region region_;
  const std::shared_ptr<protocol::Notifier> notifier_;
  std::mutex mutex_;
  std::condition_variable_any woken_;
  bool news_ = false;                       ///< one more is leaving
  std::map<std::string, Leaving> leaving_;  ///< by the stack's id
  std::map<ResourceId, std::string> stay_;  ///< why, as it was told
  std::jthread thread_;                     ///< the last: it uses what is above
};

}  // namespace gitopsd::aws
