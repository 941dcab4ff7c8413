// What connections share. A door is one thread with an event loop, and everything in it belongs to that
// thread; several doors work side by side behind one listening socket.
#pragma once

#include <array>
#include <atomic>
#include <list>
#include <memory>
#include <vector>

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

struct Door;

/// What all doors share; each part is safe to use from any of their threads.
struct Building {
  Environment environment;
  Clients clients;
  Budget budget;
  Tally tally;
  RefusedRing refused;
  std::atomic<int> admitted{0};  ///< connections that have a session, or are about to
  std::vector<std::unique_ptr<Door>> doors;
};

struct Door {
  explicit Door(Building& building);
  ~Door();

  Monotonic::time_point now() const { return environment.clock->monotonic(); }
  const std::string& date(WallMicros now);
  void refuse(const Address& client, std::string_view path, int status, std::string reason);

  Building& building;
  const Environment& environment;
  Clients& clients;
  Budget& budget;
  Tally& tally;
  asio::io_context io{1};
  std::shared_ptr<const Routes> routes;
  TlsContext tls;  ///< null: plain HTTP
  Handover handover;
  std::list<Session> sessions;
  int handshaking = 0;
  unsigned turn = 0;  ///< which door gets the next connection, where this one accepts
  bool stopping = false;
  std::function<void()> emptied;  ///< the last session has gone
  /// Used between two suspensions only.
  std::array<char, 32 << 10> scratch{};
  Head head;

 private:
  WallMicros date_second_ = -1;
  std::string date_;
};

}  // namespace gitopsd::server
