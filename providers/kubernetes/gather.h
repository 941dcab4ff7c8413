// Many requests at once, their answers in the order of asking.
#pragma once

#include <vector>

#include "providers/kubernetes/http.h"

namespace gitopsd::kubernetes {

/// Sends them all, bounded by the client's own limit, and waits for the answers.
std::vector<HttpResponse> send_all(HttpClient&, std::vector<HttpRequest>);

}  // namespace gitopsd::kubernetes
