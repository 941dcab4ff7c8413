// From a raw request to its route: method, path, keys and the caller's right to be here.
#pragma once

#include "daemon/api/context.h"
#include "daemon/api/request.h"

namespace gitopsd::api {

/// Whether the route may take long (plans, verification), so that it must not hold up the quick ones.
bool is_slow(const RawRequest&);

/// Answers a request of the operator's socket; never throws. Blocks: call it on a pool's thread.
Reply answer(const Context&, const RawRequest&);

}  // namespace gitopsd::api
