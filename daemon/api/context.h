// What the routes work with.
#pragma once

#include <atomic>
#include <string>

#include "daemon/api/api.h"
#include "daemon/api/names.h"

namespace gitopsd::api {

/// How long a loop may be silent before it counts as stuck.
inline constexpr std::int64_t kLoopStuckMs = 5'000;

struct Context {
  Environment environment;
  WallMicros started = 0;
  /// When the API's own loop last ran, on the monotonic clock.
  std::atomic<Monotonic::time_point::rep> loop_ran{0};

  store::Store& store() const { return *environment.store; }
  sync::Dispatcher& dispatcher() const { return *environment.dispatcher; }
  const server::Server& server() const { return *environment.server; }
  config::Snapshot config() const { return environment.config(); }
  WallMicros now() const { return environment.clock->wall(); }
  Names names() const { return Names(*config(), store()); }
  std::int64_t loop_age_ms() const;
};

}  // namespace gitopsd::api
