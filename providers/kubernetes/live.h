// How live objects are against what we remember of them: few by a GET each, many by pages of one list.
#pragma once

#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "providers/kubernetes/cluster.h"
#include "providers/kubernetes/health_judge.h"
#include "providers/kubernetes/manifest.h"
#include "providers/kubernetes/owned.h"
#include "providers/kubernetes/policy.h"

namespace gitopsd::kubernetes {

/// What a comparison needs of an object; the object itself is let go.
struct Looked {
  bool there = false;
  std::string error;  ///< why nobody knows, or empty
  std::string uid, resource_version;
  std::optional<protocol::Owner> owner;  ///< by its mark
  bool going = false;                    ///< a deletion has begun
  std::string entry, owned;              ///< digests, where our entry is there
  Judgement health;
};

Looked look_at(const Value& object, const Id&, const std::optional<Receipt>&, const OwnedDigests&,
               const HealthJudge&);

/// Thread-safe.
class Live {
 public:
  Live(Cluster& cluster, const OwnedDigests& digests, const HealthJudge& health)
      : cluster_(cluster), digests_(digests), health_(health) {}

  struct Wanted {
    Id id;
    std::optional<Receipt> receipt;
  };
  /// In the order asked. `others`: receipts of more objects of the same kinds and namespaces, which the same
  /// list answers for calls that come within the next seconds (a full check asks in parts).
  std::vector<Looked> look(
      const std::vector<Wanted>&, const Policy&,
      const std::function<std::map<Id, Receipt>(const GroupKind&, const std::string&)>& others);

 private:
  struct Group {
    GroupKind type;
    std::string version, space, user;
    auto operator<=>(const Group&) const = default;
  };
  struct Sweep {
    std::mutex mutex;
    Monotonic::time_point began{};
    std::map<Id, Looked> looked;
  };
  std::shared_ptr<Sweep> sweep_of(const Group&);
  std::future<HttpResponse> ask_for_page(const std::string& path, const std::string& next, const Policy&);
  void sweep(Sweep&, const Group&, const std::map<Id, std::optional<Receipt>>&, const Policy&);

  Cluster& cluster_;
  const OwnedDigests& digests_;
  const HealthJudge& health_;
  std::mutex mutex_;
  std::map<Group, std::shared_ptr<Sweep>> sweeps_;
};

}  // namespace gitopsd::kubernetes
