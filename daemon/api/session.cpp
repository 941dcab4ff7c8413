#include "daemon/api/session.h"

#include <sys/socket.h>

#include <boost/beast/http.hpp>
#include <chrono>

#include "daemon/api/peer.h"
#include "daemon/api/refusal.h"

namespace gitopsd::api {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using namespace std::chrono_literals;
using boost::system::error_code;

namespace {

constexpr std::uint32_t kHeaderBytes = 16u << 10;
constexpr std::uint64_t kBodyBytes = 64u << 10;
constexpr auto kIdle = 60s;   ///< between requests
constexpr auto kWrite = 30s;  ///< for a client to take an answer

Reply refusal(unsigned status, const char* message) {
  Reply reply = error_reply(std::make_exception_ptr(Refusal(status, ProblemCause::input, message)));
  reply.close = true;
  return reply;
}

Reply busy(const char* message) {
  return error_reply(std::make_exception_ptr(
      Refusal(503, ProblemCause::transient, message, "try again when the others have ended")));
}

/// The answer to a request that could not be read; none where the client just went away.
std::optional<Reply> answer_to(error_code error, bool too_late) {
  if (too_late) return refusal(408, "the request did not come in time");
  if (error == http::error::body_limit) return refusal(413, "the body is too large");
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return refusal(431, "the request's header is too large");
  }
  if (error == http::error::end_of_stream || error == http::error::partial_message) return std::nullopt;
  if (error.category() == make_error_code(http::error::bad_method).category()) {
    return refusal(400, "this is no HTTP/1.1 request");
  }
  return std::nullopt;
}

}  // namespace

struct Session::Received {
  std::optional<RawRequest> request;
  std::optional<Reply> refusal;
  bool keep_alive = false;
  bool http_1_1 = false;
};

TimeLimit::TimeLimit(Socket& socket, std::chrono::milliseconds time) : timer_(socket.get_executor(), time) {
  timer_.async_wait([state = state_, &socket](error_code error) {
    if (error || !state->active) return;
    state->passed = true;
    error_code ignored;
    socket.cancel(ignored);
  });
}

TimeLimit::~TimeLimit() {
  state_->active = false;
}

Session::Session(Hub& hub, const Door& door, Socket socket)
    : hub_(hub), door_(door), socket_(std::move(socket)), buffer_(kHeaderBytes + kBodyBytes) {
  if (door_.peers) peer_ = peer_of(socket_.native_handle());
  hub_.sessions.insert(this);
}

Session::~Session() {
  hub_.sessions.erase(this);
}

void Session::finish() {
  error_code ignored;
  if (idle_) socket_.cancel(ignored);
  if (wake_stream_) wake_stream_();
}

void Session::cut_off() {
  error_code ignored;
  socket_.close(ignored);
  if (wake_stream_) wake_stream_();
}

asio::awaitable<void> Session::run() {
  const auto self = shared_from_this();
  while (!hub_.stopping) {
    const bool arrived = co_await wait_for_request();
    if (!arrived) break;
    Received received = co_await read_request();
    if (!received.request && !received.refusal) break;
    Reply reply;
    if (received.refusal) {
      reply = std::move(*received.refusal);
    } else {
      reply = co_await call(std::move(*received.request));
    }
    if (reply.follow && !received.http_1_1) reply = refusal(400, "a stream needs HTTP/1.1");
    if (reply.follow && hub_.streams >= kStreams) reply = busy("too many streams are open");
    if (reply.follow) {
      co_await stream(*reply.follow);
      break;
    }
    const Next next = co_await write_reply(std::move(reply), received.keep_alive);
    if (next == Next::close) break;
  }
  close_gently();
}

asio::awaitable<bool> Session::wait_for_request() {
  if (buffer_.size() > 0) co_return true;
  TimeLimit limit(socket_, kIdle);
  error_code error;
  idle_ = true;
  const std::size_t count = co_await socket_.async_read_some(buffer_.prepare(4096), to_error(error));
  idle_ = false;
  buffer_.commit(count);
  co_return !error && count > 0;
}

asio::awaitable<Session::Received> Session::read_request() {
  http::request_parser<http::string_body> parser;
  parser.header_limit(kHeaderBytes);
  parser.body_limit(kBodyBytes);
  TimeLimit limit(socket_, hub_.context.environment.request_time);
  error_code error;
  co_await http::async_read(socket_, buffer_, parser, to_error(error));
  Received received;
  if (error) {
    received.refusal = answer_to(error, limit.passed());
    co_return received;
  }
  auto message = parser.release();
  received.keep_alive = message.keep_alive();
  received.http_1_1 = message.version() >= 11;
  RawRequest raw;
  raw.method = std::string(message.method_string());
  raw.target = std::string(message.target());
  raw.content_type = std::string(message[http::field::content_type]);
  raw.body = std::move(message.body());
  raw.peer = peer_;
  received.request = std::move(raw);
  co_return received;
}

asio::awaitable<Reply> Session::call(RawRequest request) {
  const bool slow = door_.slow && door_.slow(request);
  if (slow && hub_.slow_calls >= kSlowCalls)
    co_return busy("too many plans and verifications run at this time");
  if (slow) ++hub_.slow_calls;
  auto job = [this, raw = std::move(request)] { return door_.answer(raw); };
  Reply reply = co_await on_pool(slow ? hub_.slow : hub_.quick, std::move(job));
  if (slow) --hub_.slow_calls;
  co_return reply;
}

asio::awaitable<Session::Next> Session::write_reply(Reply reply, bool keep_alive) {
  http::response<http::string_body> response(static_cast<http::status>(reply.status), 11);
  response.set(http::field::content_type, reply.type);
  response.set(http::field::cache_control, "no-store");
  if (!reply.allow.empty()) response.set(http::field::allow, reply.allow);
  response.keep_alive(keep_alive && !reply.close && !hub_.stopping);
  response.body() = std::move(reply.body);
  response.prepare_payload();
  TimeLimit limit(socket_, kWrite);
  error_code error;
  co_await http::async_write(socket_, response, to_error(error));
  co_return !error && response.keep_alive() ? Next::go_on : Next::close;
}

void Session::close_gently() {
  error_code ignored;
  // What the client sent and nobody read would make the kernel throw our last answer away (a reset).
  std::array<char, 4096> rest;
  socket_.shutdown(Socket::shutdown_send, ignored);
  for (int i = 0; i < 64 && recv(socket_.native_handle(), rest.data(), rest.size(), MSG_DONTWAIT) > 0; ++i) {
  }
  socket_.close(ignored);
}

}  // namespace gitopsd::api
