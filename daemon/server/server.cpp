#include "daemon/server/server.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <future>
#include <optional>
#include <thread>
#include <vector>

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
/// One writer serves them all; more would only wait for it.
constexpr unsigned kMostDoors = 4;

class HttpsServer final : public Server {
 public:
  explicit HttpsServer(Environment environment);
  ~HttpsServer() override { stop(now()); }

  void start() override;
  int port() const override { return port_; }
  void reload(config::Snapshot config) override;
  void refresh_certificate() override;
  void stop(Deadline deadline) override;
  Counters counters() const override { return building_.tally.read(); }
  std::vector<Refused> refused() const override { return building_.refused.all(); }
  std::int64_t loop_age_ms() const override;

 private:
  /// A door's thread, and how it looks after its sessions.
  struct Keeper {
    explicit Keeper(Door& kept) : door(kept), timer(kept.io) {}
    void run();
    Task<void> sweep();
    void sweep_once(Monotonic::time_point now);

    Door& door;
    Timer timer;
    std::atomic<std::int64_t> last_ran_ms{0};
    Deadline stop_at = Deadline::max();
    std::thread thread;
  };

  Monotonic::time_point now() const { return building_.environment.clock->monotonic(); }
  void adopt(const std::shared_ptr<const Routes>& routes);
  void on_doors(const std::function<void(Keeper&)>& work);
  bool running() const { return !keepers_.empty() && keepers_.front()->thread.joinable(); }

  Building building_;
  std::vector<std::unique_ptr<Keeper>> keepers_;  ///< one per door, the first of which accepts
  std::optional<Acceptor> acceptor_;
  int port_ = 0;

  // Of whoever calls reload and refresh_certificate, under the mutex.
  std::mutex control_;
  config::Snapshot config_;
  TlsContext tls_;
  TlsStamp stamp_, refused_stamp_;
  Monotonic::time_point forgotten_at_;  ///< of whoever calls refresh_certificate
};

std::int64_t steady_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Monotonic::now().time_since_epoch()).count();
}

HttpsServer::HttpsServer(Environment environment) {
  building_.environment = std::move(environment);
  const unsigned count = std::clamp(std::thread::hardware_concurrency(), 1u, kMostDoors);
  for (unsigned i = 0; i < count; ++i) {
    Door& door = *building_.doors.emplace_back(std::make_unique<Door>(building_));
    keepers_.push_back(std::make_unique<Keeper>(door));
  }
}

void HttpsServer::start() {
  const std::lock_guard lock(control_);
  config_ = building_.environment.config;
  const config::Server& settings = config_->server;
  auto routes = std::make_shared<const Routes>(config_);
  if (!settings.plain_http) {
    if (!settings.tls) throw fail(ProblemCause::input, "server.tls is missing", "or say `plain_http: true`");
    stamp_ = TlsStamp::of(*settings.tls);
    tls_ = load_tls(*settings.tls);
  }
  Fd listener(building_.environment.inherited_socket);
  if (!listener && settings.listen == "systemd")
    throw fail(ProblemCause::input, "server.listen is \"systemd\", but no socket was inherited",
               "start gitopsd.socket, or give ADDRESS:PORT");
  if (!listener) listener = listen_on(settings.listen);
  port_ = port_of(listener.get());
  adopt(routes);
  Door& first = keepers_.front()->door;
  acceptor_.emplace(first.io, tcp::v6(), listener.release());
  acceptor_->native_non_blocking(true);
  forgotten_at_ = now();
  asio::co_spawn(first.io, accept_sessions(first, *acceptor_), asio::detached);
  for (const auto& keeper : keepers_) {
    keeper->last_ran_ms = steady_ms();
    asio::co_spawn(keeper->door.io, keeper->sweep(), asio::detached);
    keeper->thread = std::thread([keeper = keeper.get()] { keeper->run(); });
  }
  log::info("the door is open", {{"port", port_}, {"tls", tls_ ? "yes" : "no"}});
}

void HttpsServer::Keeper::run() {
  pthread_setname_np(pthread_self(), "door");
  // OpenSSL writes without MSG_NOSIGNAL; signals are the main thread's business anyway.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  door.io.run();
}

void HttpsServer::adopt(const std::shared_ptr<const Routes>& routes) {
  const config::Limits& limits = routes->limits();
  building_.clients.set_limits(limits.connections_per_address, limits.failed_proofs_per_minute);
  building_.budget.set_limit(limits.unproven_body_bytes);
  on_doors([&](Keeper& keeper) {
    keeper.door.routes = routes;
    keeper.door.tls = tls_;
  });
}

/// Runs once per door, on its thread, and returns after that; at once where the doors are not running.
void HttpsServer::on_doors(const std::function<void(Keeper&)>& work) {
  for (const auto& keeper : keepers_) {
    if (!keeper->thread.joinable()) {
      work(*keeper);
      continue;
    }
    std::promise<void> done;
    asio::post(keeper->door.io, [&] {
      work(*keeper);
      done.set_value();
    });
    done.get_future().wait();
  }
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
  adopt(routes);
}

void HttpsServer::refresh_certificate() {
  const std::lock_guard lock(control_);
  if (now() - forgotten_at_ >= kForgetPeriod) {
    building_.clients.forget_idle(now());
    forgotten_at_ = now();
  }
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
  on_doors([&](Keeper& keeper) { keeper.door.tls = tls_; });
  log::info("new connections get the new TLS certificate", {{"certificate", files.certificate}});
}

Task<void> HttpsServer::Keeper::sweep() {
  boost::system::error_code error;
  while (!door.stopping || !door.sessions.empty()) {
    last_ran_ms = steady_ms();
    sweep_once(door.now());
    timer.expires_after(door.sessions.empty() ? Timer::duration(kIdlePeriod) : Timer::duration(kSweepPeriod));
    co_await timer.async_wait(asio::redirect_error(kResume, error));
  }
}

void HttpsServer::Keeper::sweep_once(Monotonic::time_point now) {
  for (Session& session : door.sessions) {
    if (now >= stop_at)
      session.cut_off();
    else
      session.check_deadline(now);
  }
}

void HttpsServer::stop(Deadline deadline) {
  if (!running()) return;
  on_doors([&](Keeper& keeper) {
    Door& door = keeper.door;
    if (&keeper == keepers_.front().get()) {
      // An inherited socket keeps its backlog for the successor; ours would reset it.
      if (building_.environment.inherited_socket < 0) accept_round(door, acceptor_->native_handle());
      acceptor_->close();
    }
  });
  // What the first one accepted last has been handed to the others by now, and comes before this.
  on_doors([&](Keeper& keeper) {
    Door& door = keeper.door;
    door.stopping = true;
    keeper.stop_at = deadline;
    door.emptied = [&keeper] { keeper.timer.cancel(); };
    for (Session& session : door.sessions) session.wind_down(door.now());
    keeper.timer.cancel();
  });
  for (const auto& keeper : keepers_) keeper->thread.join();
  log::info("the door is closed");
}

std::int64_t HttpsServer::loop_age_ms() const {
  std::int64_t oldest = steady_ms();
  for (const auto& keeper : keepers_) oldest = std::min(oldest, keeper->last_ran_ms.load());
  return steady_ms() - oldest;
}

}  // namespace

std::unique_ptr<Server> make_server(Environment environment) {
  return std::make_unique<HttpsServer>(std::move(environment));
}

}  // namespace gitopsd::server
