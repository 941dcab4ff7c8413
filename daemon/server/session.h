// One connection: handshake, then request after request until somebody has enough.
#pragma once

#include "daemon/server/door.h"

namespace gitopsd::server {

class Session {
 public:
  Session(Door& door, Socket socket, const Address& peer);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Task<void> run();

  /// The sweep: gives up what is overdue.
  void check_deadline(Monotonic::time_point now);
  bool in_handshake() const { return phase_ == Phase::handshake; }
  /// First stage of a stop: an idle connection ends, one that has just come gets a second, a request is
  /// finished.
  void wind_down(Monotonic::time_point now);
  /// Last stage: no more waiting.
  void cut_off();

 private:
  enum class Phase { handshake, fresh, idle, head, body, storing, answering, draining };
  enum class Fill { more, closed, overdue, over_budget };
  /// A request as its head says, in values that outlive the head.
  struct Request {
    std::size_t head_bytes = 0, total = 0;
    bool keep_alive = false, head_only = false;
    std::string path;
  };

  Task<bool> handshake();
  Task<bool> serve();
  Task<Fill> read_head(Request& request);
  Task<Fill> read_body(const Request& request);
  Task<Fill> fill(std::size_t total);
  Task<bool> ready(Io::Kind wants);
  Task<bool> send(std::string_view bytes);
  Task<bool> settle(Request& request, Received& received);
  Task<bool> answer(Request& request, const Received& received);
  Task<bool> give_up(Request& request, Fill why);
  Task<void> drain();

  void keep_rest(Request& request);
  bool take_head(Request& request, Received& refusal);
  Received judge(const Request& request);
  void enter(Phase phase, config::milliseconds limit);
  void body_deadline(std::size_t received);

  Door& door_;
  Socket socket_;
  Address peer_, client_;
  Channel channel_;
  Input input_;
  std::shared_ptr<const Routes> routes_;
  Phase phase_ = Phase::handshake;
  Monotonic::time_point deadline_, body_begun_;
  bool overdue_ = false, cut_off_ = false, unread_ = false, counted_ = false;
  std::string response_;
};

}  // namespace gitopsd::server
