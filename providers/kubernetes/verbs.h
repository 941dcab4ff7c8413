// The provider's calls, a file each: resolve.cpp, plan.cpp, apply.cpp, observe.cpp.
#pragma once

#include "providers/kubernetes/left_to_others.h"
#include "providers/kubernetes/state.h"
#include "providers/kubernetes/takeover.h"
#include "providers/protocol/service.h"

namespace gitopsd::kubernetes {

protocol::ResolveResult resolve(State&, const protocol::ResolveRequest&);
protocol::PlanResult plan(State&, const protocol::PlanRequest&, protocol::CallContext&);
protocol::ApplyResult apply(State&, const protocol::ApplyRequest&, protocol::CallContext&,
                            const protocol::ProgressSink&);
protocol::ObserveResult observe(State&, const protocol::ObserveRequest&);

/// What a step was planned on: nothing there, or an object in the version that was seen. Travels in steps.
struct Precondition {
  std::string uid;  ///< empty: absent
  std::string resource_version;
  std::string content;      ///< digest of all but what the server keeps and what is left to others; decides
                            ///< where only the version moved
  bool keep = false;        ///< a removal that only forgets: the object is not ours
  std::string propagation;  ///< of a deletion, as the API writes it
  std::vector<std::string> holds;  ///< what nobody asked to delete, and goes with it; sorted
  bool refused = false;            ///< a removal that is not done because of them
  bool resize = false;             ///< a Pod, whose resources are changed before the rest
  std::vector<FieldPath> take;     ///< others' fields to take over before the write

  /// Whether only what the server keeps may have changed in between.
  bool same_content(const Precondition& other) const { return uid == other.uid && content == other.content; }
  std::string text() const;
  static Precondition parse(const std::string&);
  static Precondition of(const Value& live, const OwnedDigests&, const Ignored& = {});
};

/// Makes of the read of an object its deletion, if it still is that one. What it made goes after it, or
/// as the API is told by `propagation`.
void make_deletion(HttpRequest& read, const std::string& uid, const std::string& propagation = "Background");

/// The request of a server-side apply.
HttpRequest apply_request(const Manifest&, const protocol::Owner&, const Policy&,
                          const std::string& resource_version, bool dry_run);

}  // namespace gitopsd::kubernetes
