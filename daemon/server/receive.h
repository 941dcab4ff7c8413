// From a whole request to what is to be done with it. Pure: no I/O, no clock, no counters.
#pragma once

#include <optional>
#include <string>

#include "daemon/server/answer.h"
#include "daemon/server/head.h"
#include "daemon/server/routes.h"
#include "daemon/store/store.h"

namespace gitopsd::server {

/// What a request came to, for the counters and the operator.
enum class Verdict { accepted, duplicate, ignored, unauthenticated, malformed, limited, store_error };

struct Received {
  Verdict verdict = Verdict::malformed;
  Answer answer;                            ///< unless there is a delivery
  std::optional<store::Delivery> delivery;  ///< to be stored before anything is answered
  std::string reason;                       ///< for the operator; a 401's caller never sees it
  bool failed_proof = false;                ///< counts against the caller's address
};

/// Verifies and understands a delivery. `head` and `body` are only read during the call.
Received receive(const Routes& routes, const HookRoute& route, const Head& head, std::string_view body,
                 WallMicros now);

/// JSON object of the headers that may be kept, names in lower case; values are cut at 256 bytes.
std::string storable_headers(const handlers::Handler& handler, const handlers::Headers& headers);

/// A refusal before the body counts: 404, 405, 411 or 413; nullopt when the body is to be read.
std::optional<Received> check_head(const Routes& routes, const Head& head);

}  // namespace gitopsd::server
