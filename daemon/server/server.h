// The door: HTTPS for webhooks. Verifies, stores, then answers; knows no forge's JSON.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "daemon/store/store.h"

namespace gitopsd::server {

/// A delivery that was not accepted; kept in a bounded ring for `gitopsctl hooks`.
struct Refused {
  WallMicros when = 0;
  std::string hook;     ///< the path's last part, at most 64 bytes, printable
  std::string address;  ///< of the caller (behind a trusted proxy, the forwarded one)
  int status = 0;
  std::string reason;
};

struct Counters {
  std::int64_t connections = 0;  ///< open now
  std::int64_t requests = 0, accepted = 0, duplicates = 0, ignored = 0, unauthenticated = 0, malformed = 0,
               rejected_limits = 0, store_errors = 0, handshake_failures = 0;
};

struct Environment {
  config::Snapshot config;
  store::Store* store = nullptr;
  const Clock* clock = &system_clock();
  /// Events that were just stored, or queued again; called on a door's thread, must not
  /// block.
  std::function<void(const std::vector<EventId>&)> accepted;
  int inherited_socket = -1;  ///< listening socket from systemd, or -1
};

class Server {
 public:
  virtual ~Server() = default;
  /// Binds and starts its own threads. Throws Failure naming the address or certificate.
  virtual void start() = 0;
  /// The port it listens on, for tests that ask for port 0.
  virtual int port() const = 0;
  /// New hooks, secrets, limits and certificate for requests from now on; no connection is dropped. The
  /// listening address cannot change. Throws Failure, with the old configuration still in force.
  virtual void reload(config::Snapshot) = 0;
  /// Reads the certificate again if its files changed; called now and then.
  virtual void refresh_certificate() = 0;
  /// Stops accepting, finishes what is in flight, cuts off at the deadline.
  virtual void stop(Deadline) = 0;
  virtual Counters counters() const = 0;
  virtual std::vector<Refused> refused() const = 0;
  /// Milliseconds since the door's slowest loop last ran, for health and the watchdog.
  virtual std::int64_t loop_age_ms() const = 0;
};

std::unique_ptr<Server> make_server(Environment);

}  // namespace gitopsd::server
