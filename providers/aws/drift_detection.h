// CloudFormation's own drift detection: what of a stack's resources is not as it was applied.
//
// It takes minutes and reads every resource of the stack, so that one thread asks for it, of one stack after
// the other and of each only so often. It does not look into nested stacks: each of them is asked about after
// its own, and told as `Nested/Resource`. Where it does not work (no right to, an endpoint that does not have
// it), that is told once, and tried again later and later.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "providers/aws/cloudformation.h"
#include "providers/protocol/service.h"

namespace gitopsd::aws {

/// A stack to look at from now on.
struct DriftSubject {
  std::string application;
  ResourceId resource;
  std::string region;   ///< empty: the destination's
  std::string stack;    ///< its id
  std::string updated;  ///< what is found is about the stack as of then
  std::string checked;  ///< when a detection last began, whosever it was
  std::chrono::seconds every{};
};

struct DriftReport {
  std::string updated;
  std::vector<ResourceDrift> drifted;
  std::vector<std::string> unchecked;  ///< types that are not compared, and nested stacks
  std::vector<std::string> unknown;    ///< resources that could not be read this time
  std::string trouble;                 ///< why, in CloudFormation's words
  std::string refused;                 ///< why it is not put back, once that was found out
};

/// The differences, a line for each.
std::string drift_text(const DriftReport&);
/// The same in one line, and no more than fits there.
std::string drift_reason(const DriftReport&);
/// Why this drift-aware change set may not put back what the report tells: it would touch something else, or
/// replace or delete. Empty: it may. What was deleted is made again, and what refers to it follows.
/// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/drift-aware-change-sets.html
std::string why_not(const ChangeSet&, const DriftReport&);
/// Why none is asked for: all that has drifted is in nested stacks. Empty: it is.
std::string out_of_reach(const DriftReport&);

class DriftDetection {
 public:
  using Region = std::function<CloudFormation&(const std::string&)>;
  DriftDetection(Region region, const Clock& clock, std::shared_ptr<protocol::Notifier> notifier)
      : region_(std::move(region)), clock_(clock), notifier_(std::move(notifier)) {}
  ~DriftDetection();
  DriftDetection(const DriftDetection&) = delete;
  DriftDetection& operator=(const DriftDetection&) = delete;

  /// From now on, for an hour: then `changed` asks for another look, and where none wants it, it is
  /// forgotten.
  void want(const DriftSubject&);
  void forget(const std::string& stack);
  /// Until it is wanted again: an operation is under way.
  void rest(const std::string& stack);
  /// nullopt where nothing is known of the stack as it is since `updated`.
  std::optional<DriftReport> report(const std::string& stack, const std::string& updated) const;
  /// What was found is not put back: until the next detection nobody tries.
  void refuse(const std::string& stack, const std::string& why);

 private:
  struct Entry {
    DriftSubject subject;
    Monotonic::time_point due;
    Monotonic::time_point wanted;                ///< the last time
    std::optional<Monotonic::time_point> asked;  ///< whether it still is
    bool rests = false;
    std::optional<DriftReport> report;
  };
  struct Trouble {
    int failures = 0;
    Monotonic::time_point until;
  };

  void run(const std::stop_token&);
  Monotonic::time_point first_due(const DriftSubject&) const;
  void forget_unwanted(Monotonic::time_point now);
  std::optional<DriftSubject> next(Monotonic::time_point now, Monotonic::time_point& earliest);
  void detect(const DriftSubject&, const std::stop_token&);
  DriftReport look(const DriftSubject&, const std::stop_token&);
  std::string await(CloudFormation&, const std::string& stack, const std::stop_token&);
  /// Whether nobody has taken it back since it was begun.
  bool is_wanted(const std::string& stack) const;
  void wait(const std::stop_token&, std::chrono::milliseconds);
  void failed(const DriftSubject&, const Failure&);
  void worked(const std::string& region);

  const Region region_;
  const Clock& clock_;
  const std::shared_ptr<protocol::Notifier> notifier_;
  mutable std::mutex mutex_;
  std::condition_variable_any woken_;
  bool news_ = false;                        ///< something is wanted that may be due before the others
  std::map<std::string, Entry> entries_;     ///< by the stack's id
  std::map<std::string, Trouble> troubles_;  ///< by region
  std::jthread thread_;                      ///< the last: it uses what is above
};

}  // namespace gitopsd::aws
