#include "daemon/server/server.h"

#include <pthread.h>
#include <signal.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <future>
#include <thread>

#include "base/log.h"
#include "base/problem.h"
#include "daemon/server/door.h"
#include "daemon/server/listener.h"
#include "daemon/server/session.h"

namespace gitopsd::server {
namespace {

using namespace std::chrono_literals;

constexpr auto kSweepPeriod = 100ms;
constexpr auto kIdlePeriod = 1s;
constexpr auto kForgetPeriod = 60s;

class HttpsServer final : public Server {
 public:
  explicit HttpsServer(Environment environment) : door_(std::move(environment)) {}
  ~HttpsServer() override { stop(door_.now()); }

  void start() override;
  int port() const override { return port_; }
  void reload(config::Snapshot config) override;
  void refresh_certificate() override;
  void stop(Deadline deadline) override;
  Counters counters() const override { return door_.tally.read(); }
  std::vector<Refused> refused() const override { return door_.refused.all(); }
  std::int64_t loop_age_ms() const override;

 private:
  void adopt(std::shared_ptr<const Routes> routes, TlsContext tls);
  void on_door(const std::function<void()>& work);
  void run();
  Task<void> sweep();
  void sweep_once(Monotonic::time_point now);

  Door door_;
  std::optional<Acceptor> acceptor_;
  std::optional<Timer> timer_;
  std::thread thread_;
  int port_ = 0;
  std::atomic<std::int64_t> last_ran_ms_{0};

  // Of whoever calls reload and refresh_certificate, under the mutex.
  std::mutex control_;
  config::Snapshot config_;
  TlsContext tls_;
  TlsStamp stamp_, refused_stamp_;

  // Of the door's thread.
  Deadline stop_at_ = Deadline::max();
  Monotonic::time_point forgotten_at_;
};

std::int64_t steady_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Monotonic::now().time_since_epoch()).count();
}

void HttpsServer::start() {
  const std::lock_guard lock(control_);
  config_ = door_.environment.config;
  const config::Server& settings = config_->server;
  auto routes = std::make_shared<const Routes>(config_);
  if (!settings.plain_http) {
    if (!settings.tls) throw fail(ProblemCause::input, "server.tls is missing", "or say `plain_http: true`");
    stamp_ = TlsStamp::of(*settings.tls);
    tls_ = load_tls(*settings.tls);
  }
  Fd listener(door_.environment.inherited_socket);
  if (!listener && settings.listen == "systemd")
    throw fail(ProblemCause::input, "server.listen is \"systemd\", but no socket was inherited",
               "start gitopsd.socket, or give ADDRESS:PORT");
  if (!listener) listener = listen_on(settings.listen);
  port_ = port_of(listener.get());
  adopt(std::move(routes), tls_);
  acceptor_.emplace(door_.io, tcp::v6(), listener.release());
  acceptor_->native_non_blocking(true);
  timer_.emplace(door_.io);
  forgotten_at_ = door_.now();
  last_ran_ms_ = steady_ms();
  asio::co_spawn(door_.io, accept_sessions(door_, *acceptor_), asio::detached);
  asio::co_spawn(door_.io, sweep(), asio::detached);
  thread_ = std::thread([this] { run(); });
  log::info("the door is open", {{"port", port_}, {"tls", tls_ ? "yes" : "no"}});
}

void HttpsServer::run() {
  pthread_setname_np(pthread_self(), "door");
  // OpenSSL writes without MSG_NOSIGNAL; signals are the main thread's business anyway.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  door_.io.run();
}

void HttpsServer::adopt(std::shared_ptr<const Routes> routes, TlsContext tls) {
  const config::Limits& limits = routes->limits();
  door_.clients.set_limits(limits.connections_per_address, limits.failed_proofs_per_minute);
  door_.budget.set_limit(limits.unproven_body_bytes);
  door_.routes = std::move(routes);
  door_.tls = std::move(tls);
}

/// Runs on the door's thread and returns after that; at once where the door is not running.
void HttpsServer::on_door(const std::function<void()>& work) {
  if (!thread_.joinable()) {
    work();
    return;
  }
  std::promise<void> done;
  asio::post(door_.io, [&] {
    work();
    done.set_value();
  });
  done.get_future().wait();
}

void HttpsServer::reload(config::Snapshot config) {
  const std::lock_guard lock(control_);
  const config::Server &now = config_->server, &then = config->server;
  if (then.listen != now.listen || then.plain_http != now.plain_http)
    throw fail(ProblemCause::input, "server.listen and server.plain_http cannot change while the daemon runs",
               "restart it: the socket of gitopsd.socket is kept meanwhile");
  auto routes = std::make_shared<const Routes>(config);
  TlsContext tls;
  TlsStamp stamp;
  if (!then.plain_http) {
    if (!then.tls) throw fail(ProblemCause::input, "server.tls is missing", "or say `plain_http: true`");
    stamp = TlsStamp::of(*then.tls);
    tls = load_tls(*then.tls);
  }
  config_ = std::move(config);
  tls_ = std::move(tls);
  stamp_ = stamp;
  refused_stamp_ = {};
  on_door([&] { adopt(routes, tls_); });
}

void HttpsServer::refresh_certificate() {
  const std::lock_guard lock(control_);
  if (!config_ || config_->server.plain_http || !config_->server.tls) return;
  const config::Tls& files = *config_->server.tls;
  const TlsStamp stamp = TlsStamp::of(files);
  if (stamp == stamp_ || stamp == refused_stamp_) return;
  try {
    tls_ = load_tls(files);
  } catch (const Failure& failure) {
    refused_stamp_ = stamp;
    log::error("the new TLS certificate is not used, the old one stays", {{"error", failure.what()}});
    return;
  }
  stamp_ = stamp;
  refused_stamp_ = {};
  on_door([&] { door_.tls = tls_; });
  log::info("new connections get the new TLS certificate", {{"certificate", files.certificate}});
}

Task<void> HttpsServer::sweep() {
  boost::system::error_code error;
  while (!door_.stopping || !door_.sessions.empty()) {
    last_ran_ms_ = steady_ms();
    sweep_once(door_.now());
    timer_->expires_after(door_.sessions.empty() ? Timer::duration(kIdlePeriod)
                                                 : Timer::duration(kSweepPeriod));
    co_await timer_->async_wait(asio::redirect_error(kResume, error));
  }
}

void HttpsServer::sweep_once(Monotonic::time_point now) {
  for (Session& session : door_.sessions) {
    if (now >= stop_at_)
      session.cut_off();
    else
      session.check_deadline(now);
  }
  if (now - forgotten_at_ < kForgetPeriod) return;
  door_.clients.forget_idle(now);
  forgotten_at_ = now;
}

void HttpsServer::stop(Deadline deadline) {
  if (!thread_.joinable()) return;
  on_door([&] {
    door_.stopping = true;
    stop_at_ = deadline;
    door_.emptied = [this] { timer_->cancel(); };
    // An inherited socket keeps its backlog for the successor; ours would reset it.
    if (door_.environment.inherited_socket < 0) accept_round(door_, acceptor_->native_handle());
    acceptor_->close();
    for (Session& session : door_.sessions) session.wind_down(door_.now());
    timer_->cancel();
  });
  thread_.join();
  log::info("the door is closed");
}

std::int64_t HttpsServer::loop_age_ms() const {
  return steady_ms() - last_ran_ms_;
}

}  // namespace

std::unique_ptr<Server> make_server(Environment environment) {
  return std::make_unique<HttpsServer>(std::move(environment));
}

}  // namespace gitopsd::server
