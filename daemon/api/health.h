// Whether the daemon lives (/healthz) and whether it can do its work (/readyz).
#pragma once

#include <string>
#include <vector>

#include "daemon/api/context.h"
#include "daemon/api/request.h"

namespace gitopsd::api {

struct Check {
  std::string name;  ///< api_loop, door_loop, store, destination:NAME, config where a reload was refused
  bool ok = false;
  std::string detail;
};

/// The loops only: what a restart would cure.
std::vector<Check> liveness(const Context&);
/// Loops, store and the destinations that some application uses.
std::vector<Check> readiness(const Context&);

Reply healthz(const Context&);
Reply readyz(const Context&);

}  // namespace gitopsd::api
