#include "daemon/api/api.h"

#include <netinet/tcp.h>
#include <pthread.h>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/detached.hpp>
#include <future>
#include <thread>

#include "base/log.h"
#include "daemon/api/health_door.h"
#include "daemon/api/listener.h"
#include "daemon/api/refusal.h"
#include "daemon/api/router.h"
#include "daemon/api/session.h"

namespace gitopsd::api {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using boost::system::error_code;

namespace {

using Acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol>;

constexpr auto kTick = 500ms;
constexpr int kTicksPerCollection = 20;

int family_of(int socket) {
  int family = AF_UNIX;
  socklen_t size = sizeof family;
  getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &family, &size);
  return family;
}

/// Too many connections: said without waiting for the request, which nobody has the room to read.
void turn_away(Socket& socket) {
  static const std::string body = error_reply(std::make_exception_ptr(Refusal(503, ProblemCause::transient,
                                                                              "too many connections are open",
                                                                              "close some, or try again")))
                                      .body;
  static const std::string text =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nConnection: "
      "close\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body;
  send(socket.native_handle(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

class ApiServer : public Api {
 public:
  explicit ApiServer(Environment environment) {
    context_.environment = std::move(environment);
    context_.started = context_.now();
  }
  ~ApiServer() override { stop(Monotonic::now()); }

  void start() override;
  void stop(Deadline) override;
  int metrics_port() const override { return metrics_port_; }

 private:
  asio::awaitable<void> accept(Acceptor& acceptor, const Door& door);
  asio::awaitable<void> tick();
  void open(Fd listener, const Door& door);
  void stop_accepting();

  Context context_;
  Hub hub_{context_};
  Door operators_, probes_;
  std::unique_ptr<UnixListener> socket_;
  std::list<Acceptor> acceptors_;
  asio::steady_timer ticker_{hub_.io};
  std::thread thread_;
  std::future<void> ended_;
  int subscription_ = 0;
  int metrics_port_ = 0;
};

void ApiServer::start() {
  operators_ = {[this](const RawRequest& raw) { return answer(context_, raw); }, is_slow, true};
  probes_ = {[this](const RawRequest& raw) { return answer_health(context_, hub_.metrics, raw); }, nullptr,
             false};
  const auto config = context_.config();
  socket_ = std::make_unique<UnixListener>(config->api.socket);
  open(socket_->take(), operators_);
  if (!config->metrics.listen.empty()) {
    Fd listener = listen_tcp(config->metrics.listen);
    metrics_port_ = local_port(listener.get());
    open(std::move(listener), probes_);
  }
  context_.loop_ran = Monotonic::now().time_since_epoch().count();
  subscription_ = context_.dispatcher().subscribe(
      [progress = hub_.progress](const sync::ProgressLine& line) { progress->publish(line); });
  asio::co_spawn(hub_.io, tick(), asio::detached);
  std::promise<void> promise;
  ended_ = promise.get_future();
  thread_ = std::thread([this, promise = std::move(promise)]() mutable {
    pthread_setname_np(pthread_self(), "api");
    hub_.io.run();
    promise.set_value();
  });
}

void ApiServer::open(Fd listener, const Door& door) {
  const asio::generic::stream_protocol protocol(family_of(listener.get()), 0);
  acceptors_.emplace_back(hub_.io, protocol, listener.get());
  listener.release();
  asio::co_spawn(hub_.io, accept(acceptors_.back(), door), asio::detached);
}

asio::awaitable<void> ApiServer::accept(Acceptor& acceptor, const Door& door) {
  while (!hub_.stopping) {
    error_code error;
    Socket socket = co_await acceptor.async_accept(to_error(error));
    if (hub_.stopping) break;
    if (error) {  // out of descriptors, mostly: wait for some to come back
      log::warning("cannot accept a connection of the operator's API", {{"error", error.message()}});
      asio::steady_timer pause(hub_.io, 100ms);
      co_await pause.async_wait(to_error(error));
      continue;
    }
    if (hub_.sessions.size() >= kSessions) {
      turn_away(socket);
      continue;
    }
    const int on = 1;
    setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on,
               sizeof on);  // has no effect on a Unix socket
    auto session = std::make_shared<Session>(hub_, door, std::move(socket));
    asio::co_spawn(hub_.io, session->run(), [session](const std::exception_ptr& fault) {
      if (fault) log::error("a session of the operator's API broke off");
    });
  }
}

asio::awaitable<void> ApiServer::tick() {
  for (int ticks = 1; !hub_.stopping; ++ticks) {
    context_.loop_ran = Monotonic::now().time_since_epoch().count();
    if (ticks % kTicksPerCollection == 0) {
      asio::post(hub_.quick, [this] { hub_.metrics.collect(context_.dispatcher()); });
    }
    ticker_.expires_after(kTick);
    error_code error;
    co_await ticker_.async_wait(to_error(error));
  }
}

void ApiServer::stop_accepting() {
  hub_.stopping = true;
  error_code ignored;
  for (auto& acceptor : acceptors_) acceptor.close(ignored);
  ticker_.cancel();
  for (Session* session : hub_.sessions) session->finish();
}

void ApiServer::stop(Deadline deadline) {
  if (!thread_.joinable()) return;
  context_.dispatcher().unsubscribe(subscription_);
  asio::post(hub_.io, [this] { stop_accepting(); });
  if (ended_.wait_until(deadline) == std::future_status::timeout) {
    asio::post(hub_.io, [this] {
      for (Session* session : hub_.sessions) session->cut_off();
    });
  }
  thread_.join();
  hub_.quick.join();
  hub_.slow.join();
  socket_.reset();
}

}  // namespace

std::unique_ptr<Api> make_api(Environment environment) {
  return std::make_unique<ApiServer>(std::move(environment));
}

}  // namespace gitopsd::api
