// How live objects are against what we remember of them: few by a GET each, many by pages of one list.
#pragma once

#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
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
  bool yielded = false;                  ///< managers took fields that are theirs, and nothing else differs
  Writer other;                          ///< who wrote it last but us
  Judgement health;
  std::string pods;  ///< how to select its Pods, where it makes some and is not well

  /// Whether it is as the write that the receipt is of left it.
  bool is_as(const Receipt&) const;
};

Looked look_at(const Value& object, const Id&, const std::optional<Receipt>&, const Ignored&,
               const OwnedDigests&, const HealthJudge&);

/// Thread-safe.
class Live {
 public:
  Live(Cluster& cluster, const OwnedDigests& digests, const HealthJudge& health)
      : cluster_(cluster), digests_(digests), health_(health) {}

  struct Wanted {
    Id id;
    std::optional<Receipt> receipt;
  };
  struct Memory {
    /// What is remembered of an object; nullopt for one that is not ours.
    std::function<std::optional<Receipt>(const Id&)> receipt;
    /// Whether it was written since, by us or by anybody, as far as we heard of it.
    std::function<bool(const Id&, Monotonic::time_point)> moved_since;
  };
  /// In the order asked. What is asked for in parts (a full check is) is listed once: the list also answers
  /// for what is remembered, to calls that come within the next seconds, but for what has moved since.
  std::vector<Looked> look(const std::vector<Wanted>&, const Policy&, const Memory&);

 private:
  struct Group {
    GroupKind type;
    std::string version, space, user;
    auto operator<=>(const Group&) const = default;
  };
  /// What a list told. Each of its answers is given once.
  struct Sweep {
    std::mutex mutex;
    Monotonic::time_point began{};
    std::map<std::string, Looked, std::less<>> looked;  ///< by name
    std::set<std::string, std::less<>> unread;          ///< is there, and more is not known (any more)
    bool can_answer(const Id&, const Memory&) const;
    Looked take(const std::string& name);
    void forget();
  };
  using Members = std::vector<std::size_t>;  ///< indices of what is wanted
  std::shared_ptr<Sweep> sweep_of(const Group&);
  std::future<HttpResponse> ask_for_page(const std::string& path, const std::string& next, const Policy&);
  /// False where the list is not allowed.
  bool sweep(Sweep&, const Group&, const std::map<std::string_view, const Wanted*>&, const Policy&,
             const Memory&);
  void take_page(Sweep&, const Group&, Value page, const std::map<std::string_view, const Wanted*>&,
                 const Policy&, const Memory&);
  bool look_by_list(const Group&, const Members&, const std::vector<Wanted>&, std::vector<Looked>&,
                    const Policy&, const Memory&);
  void look_each(const Members&, const std::vector<Wanted>&, std::vector<Looked>&, const Kinds&,
                 const Policy&);

  Cluster& cluster_;
  const OwnedDigests& digests_;
  const HealthJudge& health_;
  std::mutex mutex_;
  std::map<Group, std::shared_ptr<Sweep>> sweeps_;
};

}  // namespace gitopsd::kubernetes
