// One watch of the API server: a kind in a namespace, or all of it.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "providers/kubernetes/watch.h"

namespace gitopsd::kubernetes {

/// Versions compare as numbers: what storage counts them by is stated since Kubernetes 1.35, and was so
/// before.
std::uint64_t version_number(const std::string& resource_version);

struct Watch::Line {
  Line(GroupKind type_, std::string space_, std::shared_ptr<const Policy> policy_)
      : type(std::move(type_)), space(std::move(space_)), policy(std::move(policy_)) {}

  const GroupKind type;
  const std::string space;

  // With the watch's mutex.
  std::shared_ptr<const Policy> policy;              ///< whose identity asks
  KindInfo kind;                                     ///< as it was last opened
  std::map<std::string, Seen, std::less<>> seen;     ///< by name
  std::map<std::string, Seen, std::less<>> listing;  ///< what will be `seen` after the last page
  bool complete = false;                             ///< `seen` is
  bool current = false;                              ///< and a stream keeps it so
  bool failing = false;                              ///< the last attempt failed
  bool refused = false;                              ///< by the server, as something is not as we think
  bool doubtful = false;                             ///< it ended, as it does when its kind is changed
  bool expired = false;                              ///< the server has forgotten where it was
  std::string position;                              ///< resourceVersion to go on from
  int refusals = 0;                                  ///< in a row
  std::set<std::string> said;                        ///< why it cannot be watched, as it was told
  std::optional<Problem> trouble;                    ///< the last of these
  std::set<std::string> troubled;                    ///< the applications that it was told of
  std::chrono::milliseconds wait{0};
  Monotonic::time_point away{};  ///< when the server was last not to be reached

  // The stream's.
  std::string pending;  ///< the beginning of a line
  bool broken = false;  ///< nothing more is read from it
  std::atomic<HttpClient::StreamId> stream{0};

  std::string key() const { return "watch " + type.str() + "/" + space; }
  std::string path(const char* query) const {
    return path_of(kind, type, kind.versions.front(), space, {}) + query;
  }
};

}  // namespace gitopsd::kubernetes
