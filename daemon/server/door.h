// What all connections of the door share. Everything here belongs to the door's thread, but for the atomics
// and the ring of refusals.
#pragma once

#include <array>
#include <atomic>
#include <list>
#include <memory>

#include "daemon/server/clients.h"
#include "daemon/server/handover.h"
#include "daemon/server/head.h"
#include "daemon/server/input.h"
#include "daemon/server/loop.h"
#include "daemon/server/receive.h"
#include "daemon/server/refused.h"
#include "daemon/server/routes.h"
#include "daemon/server/tls.h"

namespace gitopsd::server {

class Session;

struct Tally {
  std::atomic<std::int64_t> connections{0}, requests{0}, accepted{0}, duplicates{0}, ignored{0},
      unauthenticated{0}, malformed{0}, rejected_limits{0}, store_errors{0}, handshake_failures{0};
  void count(Verdict verdict);
  Counters read() const;
};

struct Door {
  explicit Door(Environment environment);
  ~Door();

  Monotonic::time_point now() const { return environment.clock->monotonic(); }
  const std::string& date(WallMicros now);
  void refuse(const Address& client, std::string_view path, int status, std::string reason);

  Environment environment;
  asio::io_context io{1};
  std::shared_ptr<const Routes> routes;
  TlsContext tls;  ///< null: plain HTTP
  Clients clients;
  Budget budget;
  Handover handover;
  std::list<Session> sessions;
  int handshaking = 0;
  bool stopping = false;
  std::function<void()> emptied;  ///< the last session has gone
  Tally tally;
  RefusedRing refused;
  /// Used between two suspensions only.
  std::array<char, 32 << 10> scratch{};
  Head head;

 private:
  WallMicros date_second_ = -1;
  std::string date_;
};

}  // namespace gitopsd::server
