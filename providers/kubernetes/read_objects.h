// Whole objects as they are: few by a GET each, many of a kind in a namespace by pages of one list.
#pragma once

#include <string>
#include <vector>

#include "providers/kubernetes/cluster.h"
#include "providers/kubernetes/policy.h"

namespace gitopsd::kubernetes {

struct WantedObject {
  Id id;
  std::string version;  ///< of the API, within its group
};

struct ReadObject {
  HttpResponse response;  ///< 200, 404, or what refused; without the body of a 200
  Value object;           ///< of a 200
};

/// In the order asked.
std::vector<ReadObject> read_objects(Cluster&, const Kinds&, const Policy&, const std::vector<WantedObject>&);

}  // namespace gitopsd::kubernetes
