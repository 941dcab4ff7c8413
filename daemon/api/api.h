// The operator's API: HTTP over a Unix socket, peers known by their credentials, paths /v1/... that a later
// HTTPS API keeps. Also the health and metrics listener, which speaks plain HTTP on its own address.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "config/config.h"
#include "daemon/server/server.h"
#include "daemon/store/store.h"
#include "daemon/sync/dispatcher.h"

namespace gitopsd::api {

/// How the last change of the configuration went.
struct ConfigReload {
  WallMicros succeeded = 0;  ///< when the one in force was read
  WallMicros refused = 0;    ///< when a newer one was, 0 unless that was the last word
  std::string error;         ///< why, a problem a line
};

struct Environment {
  std::function<config::Snapshot()> config;  ///< the one in force
  std::function<ConfigReload()> reload = [] { return ConfigReload{}; };
  store::Store* store = nullptr;
  sync::Dispatcher* dispatcher = nullptr;
  server::Server* server = nullptr;
  const Clock* clock = &system_clock();
  std::chrono::milliseconds request_time{10'000};  ///< from a request's first byte to its last
};

class Api {
 public:
  virtual ~Api() = default;
  /// Makes the socket (mode 0660, an old one is replaced only if nobody answers on it) and, if configured,
  /// the health and metrics listener; starts its own thread. Throws Failure.
  virtual void start() = 0;
  virtual void stop(Deadline) = 0;
  /// The health listener's port, 0 when off; for tests that ask for port 0.
  virtual int metrics_port() const = 0;
};

std::unique_ptr<Api> make_api(Environment);

}  // namespace gitopsd::api
