// What all calls of the provider share.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

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

using LookAtStack = std::function<std::optional<StackFacts>(const std::string& place)>;

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

/// What the first look after an operation found, where the daemon has not taken that up: nobody looks to its
/// end after a heal. Thread-safe.
class FirstLooks {
 public:
  /// With what is remembered of it; nullopt as Receipt::parse.
  std::optional<Receipt> receipt(const std::string& text) const;
  void add(const std::string& text, const Receipt& completed);

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::pair<std::string, Receipt>> seen_;  ///< by stack
};

/// Heals that were refused, so that they are not planned again at each look. Thread-safe.
class RefusedHeals {
 public:
  /// `of`: all on which it depends.
  std::optional<Failure> find(const std::string& stack, const std::string& of) const {
    const std::lock_guard lock(mutex_);
    const auto found = refused_.find(stack);
    return found != refused_.end() && found->second.first == of ? std::optional(found->second.second)
                                                                : std::nullopt;
  }
  void add(const std::string& stack, const std::string& of, const Failure& why) {
    const std::lock_guard lock(mutex_);
    refused_.insert_or_assign(stack, std::pair(of, why));
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::pair<std::string, Failure>> refused_;
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

  FirstLooks first_looks;
  RefusedHeals refused_heals;

  /// Whether other stacks now tell something else than was taken; not while one is being changed, or where
  /// one tells nothing of that name. Throws what `look` does.
  bool is_another(const Taken&, const LookAtStack& look) const;

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
