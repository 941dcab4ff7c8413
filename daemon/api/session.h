// One connection, from accept to close.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <memory>

#include "daemon/api/hub.h"

namespace gitopsd::api {

using Socket = boost::asio::generic::stream_protocol::socket;

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Hub&, const Door&, Socket);
  ~Session();
  /// Until the client leaves, misbehaves, or the hub stops.
  boost::asio::awaitable<void> run();
  /// First stage of a stop: ends it where it only waits for a request; a stream ends itself.
  void finish();
  /// Second stage.
  void cut_off();

 private:
  enum class Next { go_on, close };
  struct Received;

  boost::asio::awaitable<bool> wait_for_request();
  boost::asio::awaitable<Received> read_request();
  boost::asio::awaitable<Reply> call(RawRequest request);
  boost::asio::awaitable<Next> write_reply(Reply reply, bool keep_alive);
  boost::asio::awaitable<void> stream(const Follow& follow);  // stream.cpp
  void close_gently();

  Hub& hub_;
  const Door& door_;
  Socket socket_;
  std::optional<Peer> peer_;
  boost::beast::flat_buffer buffer_;
  bool idle_ = false;
  std::function<void()> wake_stream_;
};

/// Cancels what a socket waits for when the time is over, once.
class TimeLimit {
 public:
  TimeLimit(Socket&, std::chrono::milliseconds);
  ~TimeLimit();
  bool passed() const { return state_->passed; }

 private:
  struct State {
    bool active = true, passed = false;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
  boost::asio::steady_timer timer_;
};

}  // namespace gitopsd::api
