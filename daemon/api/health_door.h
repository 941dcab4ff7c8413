// The routes of the health and metrics listener.
#pragma once

#include "daemon/api/context.h"
#include "daemon/api/metrics.h"
#include "daemon/api/request.h"

namespace gitopsd::api {

/// Answers a request of the health listener; never throws. Blocks.
Reply answer_health(const Context&, Metrics&, const RawRequest&);

}  // namespace gitopsd::api
