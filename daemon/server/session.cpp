#include "daemon/server/session.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <exception>
#include <utility>

#include "base/log.h"
#include "base/problem.h"

namespace gitopsd::server {
namespace {

using namespace std::chrono_literals;

constexpr auto kBodyGrace = 5s;
constexpr auto kDrainTime = 3s;
constexpr int kRetryBudget = 1;
constexpr int kRetryStore = 10;

std::string what(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& failure) {
    return failure.what();
  } catch (...) {
    return "unknown error";
  }
}

Received limited(int status, std::string reason, int retry_after = 0) {
  Received received;
  received.verdict = Verdict::limited;
  received.answer = refuse(status, reason);
  received.answer.retry_after = retry_after;
  received.reason = std::move(reason);
  return received;
}

}  // namespace

Session::Session(Door& door, Socket socket, const Address& peer)
    : door_(door),
      socket_(std::move(socket)),
      peer_(peer),
      client_(peer),
      channel_(socket_.native_handle(), door.tls),
      input_(door.budget, door.scratch),
      routes_(door.routes) {
  ++door_.tally.connections;
  enter(Phase::handshake, routes_->limits().header_timeout);
  counted_ = true;
  ++door_.handshaking;
}

Session::~Session() {
  if (counted_) --door_.handshaking;
  --door_.tally.connections;
}

void Session::enter(Phase phase, config::milliseconds limit) {
  phase_ = phase;
  deadline_ = door_.now() + limit;
}

void Session::check_deadline(Monotonic::time_point now) {
  if (now < deadline_ || phase_ == Phase::storing || overdue_) return;
  overdue_ = true;
  socket_.cancel();
}

void Session::wind_down(Monotonic::time_point now) {
  if (phase_ == Phase::idle)
    cut_off();
  else if (phase_ == Phase::handshake || phase_ == Phase::fresh)
    deadline_ = std::min(deadline_, now + 1s);
}

void Session::cut_off() {
  cut_off_ = overdue_ = true;
  socket_.cancel();
}

Task<void> Session::run() {
  // A co_await of its own statement: g++ 12 miscompiles it in conditions.
  const bool shaken = co_await handshake();
  if (!shaken) co_return;
  phase_ = Phase::fresh;
  bool again = true;
  while (again) again = co_await serve();
  channel_.goodbye();
  if (unread_ && !cut_off_) co_await drain();
}

Task<bool> Session::ready(Io::Kind wants) {
  if (overdue_) co_return false;
  boost::system::error_code error;
  const auto wait = wants == Io::Kind::wants_write ? Socket::wait_write : Socket::wait_read;
  co_await socket_.async_wait(wait, asio::redirect_error(kResume, error));
  co_return !error && !overdue_;
}

Task<bool> Session::handshake() {
  Io io{channel_.secure() ? Io::Kind::wants_read : Io::Kind::done};
  while (io.kind == Io::Kind::wants_read || io.kind == Io::Kind::wants_write) {
    const bool is_ready = co_await ready(io.kind);
    if (!is_ready) break;
    io = channel_.handshake();
  }
  counted_ = false;
  --door_.handshaking;
  if (io.kind == Io::Kind::done) co_return true;
  ++door_.tally.handshake_failures;
  co_return false;
}

Task<Session::Fill> Session::fill(std::size_t total) {
  if (!input_.keep()) co_return Fill::over_budget;
  Io io{channel_.buffered() ? Io::Kind::done : Io::Kind::wants_read};
  for (;;) {
    if (io.kind != Io::Kind::done) {
      const bool is_ready = co_await ready(io.kind);
      if (!is_ready) co_return overdue_ ? Fill::overdue : Fill::closed;
    }
    const auto space = input_.space(total);
    if (space.empty()) co_return Fill::over_budget;
    io = channel_.read(space);
    if (io.kind == Io::Kind::done) {
      input_.received(io.bytes);
      co_return Fill::more;
    }
    if (io.kind == Io::Kind::closed || io.kind == Io::Kind::failed) co_return Fill::closed;
  }
}

Task<Session::Fill> Session::read_head(Request& request) {
  const config::Limits& limits = routes_->limits();
  std::size_t seen = 0;
  for (;;) {
    const std::string_view bytes = input_.bytes();
    request.head_bytes = head_size(bytes, seen);
    if (request.head_bytes > 0 || bytes.size() >= limits.header_bytes) co_return Fill::more;
    if (bytes.empty() && phase_ == Phase::idle && door_.stopping) co_return Fill::closed;
    if (!bytes.empty() && phase_ == Phase::fresh) phase_ = Phase::head;
    if (!bytes.empty() && phase_ == Phase::idle) enter(Phase::head, limits.header_timeout);
    seen = bytes.size();
    const Fill filled = co_await fill(0);
    if (filled != Fill::more) co_return filled;
  }
}

void Session::body_deadline(std::size_t received) {
  const auto rate = static_cast<double>(std::max<std::size_t>(1, routes_->limits().body_rate));
  const std::chrono::duration<double> earned(static_cast<double>(received) / rate);
  deadline_ = body_begun_ + kBodyGrace + std::chrono::duration_cast<Monotonic::duration>(earned);
}

Task<Session::Fill> Session::read_body(const Request& request) {
  phase_ = Phase::body;
  if (door_.head.expects_continue) {
    if (!input_.keep()) co_return Fill::over_budget;
    body_deadline(0);
    const bool sent = co_await send("HTTP/1.1 100 Continue\r\n\r\n");
    if (!sent) co_return Fill::closed;
  }
  while (input_.bytes().size() < request.total) {
    body_deadline(input_.bytes().size() - request.head_bytes);
    const Fill filled = co_await fill(request.total);
    if (filled != Fill::more) co_return filled;
  }
  parse_head(input_.bytes().substr(0, request.head_bytes), door_.head);
  co_return Fill::more;
}

/// False with a refusal, which is to be answered at once.
bool Session::take_head(Request& request, Received& refusal) {
  routes_ = door_.routes;
  body_begun_ = door_.now();
  const std::string_view bytes = input_.bytes();
  if (request.head_bytes == 0 || request.head_bytes > routes_->limits().header_bytes) {
    unread_ = true;
    refusal = limited(431, "the header block is too large");
    return false;
  }
  Head& head = door_.head;
  if (!parse_head(bytes.substr(0, request.head_bytes), head)) {
    unread_ = true;
    refusal.answer = refuse(400, head.problem);
    refusal.reason = head.problem;
    return false;
  }
  ++door_.tally.requests;
  request.keep_alive = head.keep_alive;
  request.head_only = head.method == "HEAD";
  request.path = path_of(head.target);
  client_ = client_address(peer_, head.headers, routes_->trusted_proxies());
  auto early = check_head(*routes_, head);
  if (const int wait = early ? 0 : door_.clients.blocked(client_, door_.now()); wait > 0)
    early = limited(429, "too many wrong proofs from this address", wait);
  const std::uint64_t length = head.content_length.value_or(0);
  if (!early) {
    request.total = request.head_bytes + length;
    return true;
  }
  refusal = std::move(*early);
  if (head.transfer_encoding || length > bytes.size() - request.head_bytes)
    unread_ = true;
  else
    input_.consume(request.head_bytes + length);
  return false;
}

Received Session::judge(const Request& request) {
  const std::string_view bytes = input_.bytes();
  const HookRoute* route = routes_->find(request.path);
  Received received = receive(*routes_, *route, door_.head,
                              bytes.substr(request.head_bytes, request.total - request.head_bytes),
                              door_.environment.clock->wall());
  input_.consume(request.total);
  if (received.failed_proof) door_.clients.failed_proof(client_, door_.now());
  return received;
}

Task<bool> Session::serve() {
  if (phase_ != Phase::fresh) enter(Phase::idle, routes_->limits().idle_timeout);
  Request request;
  Received received;
  Fill filled = co_await read_head(request);
  if (filled == Fill::more && take_head(request, received)) {
    if (input_.bytes().size() < request.total) filled = co_await read_body(request);
    if (filled == Fill::more) received = judge(request);
  }
  bool again = false;
  if (filled != Fill::more)
    again = co_await give_up(request, filled);
  else if (received.delivery)
    again = co_await settle(request, received);
  else
    again = co_await answer(request, received);
  co_return again;
}

Task<bool> Session::settle(Request& request, Received& received) {
  phase_ = Phase::storing;
  keep_rest(request);
  const Handover::Result stored = co_await door_.handover.store(*received.delivery);
  if (stored.error) {
    received.verdict = Verdict::store_error;
    received.reason = what(stored.error);
    received.answer = refuse(503, "the delivery cannot be stored now");
    received.answer.retry_after = kRetryStore;
  } else if (stored.accepted.kind == store::Accepted::Kind::duplicate) {
    received.verdict = Verdict::duplicate;
    received.answer = ignored_answer("this delivery is stored already");
  } else {
    received.answer = accepted_answer(stored.accepted.events);
  }
  const bool again = co_await answer(request, received);
  co_return again;
}

/// What a client sent ahead is kept while its first request is answered, if there is room.
void Session::keep_rest(Request& request) {
  if (input_.keep()) return;
  input_.consume(input_.bytes().size());
  request.keep_alive = false;
}

Task<bool> Session::answer(Request& request, const Received& received) {
  door_.tally.count(received.verdict);
  if (received.answer.status >= 400)
    door_.refuse(client_, request.path, received.answer.status, received.reason);
  keep_rest(request);
  const bool keep_alive = request.keep_alive && !unread_ && !door_.stopping && !cut_off_;
  write_response(received.answer, keep_alive, request.head_only, door_.date(door_.environment.clock->wall()),
                 response_);
  enter(Phase::answering, routes_->limits().header_timeout);
  const bool sent = co_await send(response_);
  std::string().swap(response_);
  phase_ = Phase::idle;
  co_return sent&& keep_alive;
}

Task<bool> Session::give_up(Request& request, Fill why) {
  const bool in_head = phase_ == Phase::head;
  if (why == Fill::closed || cut_off_ || !(in_head || phase_ == Phase::body)) co_return false;
  unread_ = true;
  overdue_ = false;
  input_.consume(input_.bytes().size());
  Received refusal;
  if (why == Fill::over_budget)
    refusal = limited(503, "too many unproven bytes are held now", kRetryBudget);
  else
    refusal = limited(408, in_head ? "the header block came too slowly" : "the body came too slowly");
  const bool again = co_await answer(request, refusal);
  co_return again;
}

Task<bool> Session::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const Io io = channel_.write(bytes);
    if (io.kind == Io::Kind::done) {
      bytes.remove_prefix(io.bytes);
      continue;
    }
    if (io.kind != Io::Kind::wants_read && io.kind != Io::Kind::wants_write) co_return false;
    const bool is_ready = co_await ready(io.kind);
    if (!is_ready) co_return false;
  }
  co_return true;
}

/// Closing with unread bytes would reset the connection and take the answer with it.
Task<void> Session::drain() {
  enter(Phase::draining, std::chrono::duration_cast<config::milliseconds>(kDrainTime));
  ::shutdown(socket_.native_handle(), SHUT_WR);
  for (;;) {
    const bool is_ready = co_await ready(Io::Kind::wants_read);
    if (!is_ready) co_return;
    const auto got = ::recv(socket_.native_handle(), door_.scratch.data(), door_.scratch.size(), 0);
    if (got == 0 || (got < 0 && errno != EAGAIN)) co_return;
  }
}

}  // namespace gitopsd::server
