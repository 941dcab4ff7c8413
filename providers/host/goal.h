// A document made comparable with this host: names became numbers, content a digest.
#pragma once

#include <map>

#include "providers/host/facts.h"
#include "providers/host/place.h"
#include "providers/host/wanted.h"

namespace gitopsd::host {

struct Goal {
  Facts facts;         ///< without content
  std::string sha256;  ///< of a file's bytes
};

/// Adds a problem for a user or group that this host does not have.
Goal goal_of(const Wanted&, std::vector<protocol::WireProblem>& problems);

/// As differences() of facts, content included.
std::vector<std::string> differences(const Seen&, const Goal&, const Wanted&);

/// The call's documents by digest.
class Documents {
 public:
  explicit Documents(const std::vector<protocol::Document>&);
  /// Throws Failure (input) for a resource whose document was not sent.
  const protocol::Document& at(const std::string& digest, const std::string& id) const;

 private:
  std::map<std::string_view, const protocol::Document*> by_digest_;
};

/// The plan's view of a directory with what is in it, for one that is to vanish.
Facts facts_with_contents(const Seen&, const Secret& key, const std::vector<std::string>& names);
/// Sorted. Throws Failure.
std::vector<std::string> names_in(const Place&);

}  // namespace gitopsd::host
