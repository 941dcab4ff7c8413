// Many requests at once, their answers in the order of asking.
#pragma once

#include <memory>
#include <vector>

#include "providers/kubernetes/http.h"

namespace gitopsd::kubernetes {

/// Requests that are under way, bounded by the client's own limit.
class Gathering {
 public:
  Gathering(HttpClient&, std::vector<HttpRequest>);
  /// Once.
  std::vector<HttpResponse> wait();

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

/// Sends them all and waits for the answers.
std::vector<HttpResponse> send_all(HttpClient&, std::vector<HttpRequest>);

}  // namespace gitopsd::kubernetes
