// What the host provider keeps between calls.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "base/secret.h"
#include "providers/host/owned.h"
#include "providers/host/place.h"

namespace gitopsd::host {

/// Things whose bytes were compared and found right, with the fingerprint they had: not read again until it
/// changes.
class Verified {
 public:
  bool holds(const ResourceId& id, const Seen& seen, const Facts& facts) const;
  /// Kept only where the last change is long enough ago that another one would show in the times.
  void add(const ResourceId& id, const Seen& seen, const Facts& facts);
  void forget(const ResourceId& id);

 private:
  mutable std::mutex mutex_;
  std::map<ResourceId, std::pair<Fingerprint, std::string>> known_;
};

/// Things that a step of ours is changing right now.
class InFlight {
 public:
  /// One step's hold on its thing; waits where another step has it.
  class Hold {
   public:
    Hold(InFlight& all, const ResourceId& id);
    ~Hold();
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    InFlight& all_;
    ResourceId id_;
  };
  bool contains(const ResourceId& id) const;
  /// Called whenever a hold ends.
  std::function<void()> ended;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::set<ResourceId> ids_;
};

struct State {
  /// Opens `directory`, makes what is missing, and finishes or forgets what a crash left begun. Throws
  /// Failure.
  explicit State(const std::string& directory);

  Secret key;          ///< of content HMACs
  std::string key_id;  ///< tells receipts made with another key
  OwnedList owned;
  Verified verified;
  InFlight in_flight;

 private:
  void settle_begun();
};

}  // namespace gitopsd::host
