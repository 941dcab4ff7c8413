// What all calls of the provider share.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "providers/aws/cloudformation.h"
#include "providers/aws/deletions.h"
#include "providers/aws/drift_detection.h"
#include "providers/aws/ledger.h"
#include "providers/aws/receipt.h"
#include "providers/aws/s3.h"
#include "providers/aws/template_places.h"

namespace gitopsd::aws {

/// Remembers for an hour: somebody, or a lifecycle rule, may delete what is there. Thread-safe.
class Uploaded {
 public:
  explicit Uploaded(const Clock& clock) : clock_(clock) {}
  bool contains(const std::string& key) {
    const std::lock_guard lock(mutex_);
    std::erase_if(keys_, [now = clock_.monotonic()](const auto& one) { return now - one.second >= kKept; });
    return keys_.contains(key);
  }
  void add(const std::string& key) {
    const std::lock_guard lock(mutex_);
    keys_[key] = clock_.monotonic();
  }

 private:
  static constexpr std::chrono::hours kKept{1};

  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, Monotonic::time_point> keys_;  ///< when each was seen there
};

struct LeftChangeSet {
  ChangeSetName name;  ///< its stack empty: that is there for others
  bool nested = false;
};

/// Change sets that nobody needs, and that could not be thrown away, by stack. Thread-safe.
class LeftChangeSets {
 public:
  void add(const std::string& stack, LeftChangeSet set) {
    const std::lock_guard lock(mutex_);
    sets_[stack].push_back(std::move(set));
  }
  std::vector<LeftChangeSet> take(const std::string& stack) {
    const std::lock_guard lock(mutex_);
    const auto found = sets_.extract(stack);
    return found.empty() ? std::vector<LeftChangeSet>() : std::move(found.mapped());
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::vector<LeftChangeSet>> sets_;
};

/// Who has a parameter from an output of which stack. Thread-safe.
class Takers {
 public:
  explicit Takers(std::shared_ptr<protocol::Notifier> notifier) : notifier_(std::move(notifier)) {}
  /// `stack`: the one with the output, by its place's text.
  void add(const std::string& stack, const std::string& application, const ResourceId& taker) {
    const std::lock_guard lock(mutex_);
    takers_[stack][application].insert(taker);
  }
  /// The stack was updated: whoever takes something of it is looked at.
  void tell(const std::string& stack) {
    std::map<std::string, std::set<ResourceId>> told;
    {
      const std::lock_guard lock(mutex_);
      if (const auto found = takers_.find(stack); found != takers_.end()) told = found->second;
    }
    for (const auto& [application, ids] : told)
      notifier_->changed({application, {ids.begin(), ids.end()}, false});
  }

 private:
  const std::shared_ptr<protocol::Notifier> notifier_;
  std::mutex mutex_;
  std::map<std::string, std::map<std::string, std::set<ResourceId>>> takers_;  ///< by stack and application
};

/// Regions that stacks were made in, over restarts. Thread-safe.
class UsedRegions {
 public:
  explicit UsedRegions(std::string path);
  void add(const std::string& region);
  std::vector<std::string> all() const;

 private:
  const std::string path_;
  mutable std::mutex mutex_;
  std::set<std::string> regions_;  ///< empty: the destination's
};

class State {
 public:
  /// `folder`: of the provider's own, where it keeps what it remembers. `meant`: the identity that this has
  /// to be; empty: whichever it is.
  State(const Settings& settings, Secret key, const std::string& folder, std::string meant,
        const std::shared_ptr<protocol::Notifier>& notifier)
      : client(settings, system_clock()),
        s3(client),
        digests(std::move(key)),
        ledgers(folder + "/content"),
        uploaded(system_clock()),
        takers(notifier),
        meant_(std::move(meant)),
        used_regions_(folder + "/regions.json"),
        deletions(region(), notifier),
        drift(region(), system_clock(), notifier) {}

  /// Which destination it is: ACCOUNT/REGION.
  std::string identity() const;
  /// That it is the destination that is meant, and the credentials are of its account: before anything else,
  /// and again for others. Throws Failure.
  void check_account(const Cancelled&);

  /// Of a region; empty: the destination's.
  CloudFormation& cloudformation(const std::string& region);
  /// The destination's, and others in which there was a stack at any time.
  std::vector<std::string> regions() { return used_regions_.all(); }

  Client client;
  S3 s3;
  const Digests digests;
  Ledgers ledgers;

  /// Of stacks with an operation of ours.
  ResourcePlaces places;

  LeftChangeSets left_change_sets;

  /// What was found in the artifacts' bucket, or put there: its keys are digests.
  Uploaded uploaded;

  Takers takers;
  /// Whether the stack now tells something else than was taken; not while it is being changed, or where it
  /// tells nothing of that name.
  bool is_another(const Taken&, const std::optional<StackFacts>& source) const;

 private:
  std::function<CloudFormation&(const std::string&)> region() {
    return [this](const std::string& name) -> CloudFormation& { return cloudformation(name); };
  }

  const std::string meant_;
  UsedRegions used_regions_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<CloudFormation>> regions_;
  std::string checked_;  ///< the access key that was found to be of it

 public:
  // The last: their threads use what is above.
  Deletions deletions;
  DriftDetection drift;
};

}  // namespace gitopsd::aws
