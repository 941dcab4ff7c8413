// gitopsd: puts the parts together, in the order in which data flows, and takes them apart in the other.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <mutex>

#include "base/file.h"
#include "base/log.h"
#include "base/undumpable.h"
#include "config/config.h"
#include "daemon/api/api.h"
#include "daemon/render/sandbox.h"
#include "daemon/report/notify.h"
#include "daemon/server/server.h"
#include "daemon/store/audit_heads.h"
#include "daemon/store/retention.h"
#include "daemon/sync/check_providers.h"
#include "daemon/sync/dispatcher.h"

namespace gitopsd {
namespace {

using namespace std::chrono_literals;

constexpr int kExitFailure = 1;
constexpr int kExitUsage = 2;
constexpr int kExitConfiguration = 78;  // EX_CONFIG, sysexits.h: systemd shows it by name
constexpr auto kLoopStuck = 20s;
constexpr auto kTick = 1s;

struct Options {
  std::string config = "/etc/gitopsd/gitopsd.yaml";
  std::string provider_directory;
  std::string log_level = "info";
  bool check_config = false;
};

std::string provider_directory(const Options& options) {
  if (options.provider_directory.empty()) return sync::default_provider_directory();
  return std::filesystem::absolute(options.provider_directory).lexically_normal().string();
}

/// The configuration as it may come into force; what is doubtful in it is said.
config::Snapshot load(const Options& options) {
  auto config = config::load(options.config);
  auto unknown = sync::unknown_providers(*config, provider_directory(options));
  if (!unknown.empty()) throw Failure(std::move(unknown));
  for (const auto& warning : config->warnings) log::warning(warning.str());
  return config;
}

/// The configuration in force, for those who ask from other threads.
class Current {
 public:
  explicit Current(config::Snapshot c) : config_(std::move(c)) {}
  config::Snapshot get() const {
    std::lock_guard lock(mutex_);
    return config_;
  }
  void set(config::Snapshot c) {
    std::lock_guard lock(mutex_);
    config_ = std::move(c);
    reload_ = {system_clock().wall(), 0, {}};
  }
  void refuse(const std::string& error) {
    std::lock_guard lock(mutex_);
    reload_.refused = system_clock().wall();
    reload_.error = error;
  }
  api::ConfigReload reload() const {
    std::lock_guard lock(mutex_);
    return reload_;
  }

 private:
  mutable std::mutex mutex_;
  config::Snapshot config_;
  api::ConfigReload reload_{system_clock().wall(), 0, {}};
};

/// Signals reach only the descriptor: block them before the first thread starts.
Fd block_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int s : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, s);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  return Fd(::signalfd(-1, &set, SFD_CLOEXEC));
}

void reload(const Options& options, Current& current, const store::Store& store, server::Server& server,
            sync::Dispatcher& dispatcher) {
  report::reloading();
  std::string_view status = "running";
  try {
    auto fresh = load(options);
    if (auto refused = sync::check_providers(*fresh, provider_directory(options)).problems; !refused.empty())
      throw Failure(std::move(refused));
    server.reload(fresh);
    dispatcher.reload(fresh);
    current.set(fresh);
    log::info("configuration reloaded", {{"file", options.config}});
    if (const auto& wanted = fresh->store.installation; !wanted.empty() && wanted != store.installation())
      log::warning("store.installation counts from the next start on",
                   {{"installation", store.installation()}, {"hint", "systemctl restart gitopsd"}});
  } catch (const Failure& failure) {
    current.refuse(failure.what());
    log::error("the new configuration is refused, the old one stays in force", {{"error", failure.what()}});
    status = "running on the configuration before the last reload, which was refused; see the journal";
  }
  report::ready(status);
}

/// To where whoever changes the database does not reach: another chain than this is a forged one.
void tell_audit_head(store::AuditHeads& heads) {
  try {
    const auto head = heads.due();
    if (!head) return;
    log::info("audit head",
              {{"sequence", head->sequence}, {"recorded", rfc3339(head->when)}, {"hash", head->hash}});
  } catch (const Failure& failure) {
    log::error("the audit record cannot be read", {{"error", failure.what()}});
  }
}

void delete_old(store::Retention& retention, std::chrono::microseconds keep) {
  try {
    retention.tend(keep);
  } catch (const Failure& failure) {
    log::error("old events cannot be deleted now", {{"error", failure.what()}});
  }
}

int run(const Options& options) {
  const Fd signals = block_signals();
  forbid_core_dumps();
  Current current(load(options));
  const auto config = current.get();
  auto store = store::open_sqlite(config->store.path, system_clock(), config->store.installation);

  sync::Environment sync_environment;
  sync_environment.config = config;
  sync_environment.store = store.get();
  sync_environment.program_directory = provider_directory(options);
  sync_environment.state_directory = config->store.path;
  sync_environment.render_program = render::render_program();
  auto dispatcher = sync::make_dispatcher(sync_environment);

  server::Environment door;
  door.config = config;
  door.store = store.get();
  door.accepted = [&](const std::vector<EventId>& ids) { dispatcher->notify(ids); };
  if (sd_listen_fds(1) > 0) door.inherited_socket = SD_LISTEN_FDS_START;
  auto server = server::make_server(door);

  api::Environment api_environment;
  api_environment.config = [&] { return current.get(); };
  api_environment.reload = [&] { return current.reload(); };
  api_environment.store = store.get();
  api_environment.dispatcher = dispatcher.get();
  api_environment.server = server.get();
  auto api = api::make_api(api_environment);

  dispatcher->start();
  server->start();
  api->start();
  report::ready("running");
  log::info("ready", {{"port", server->port()}, {"version", GITOPSD_VERSION}});

  const auto watchdog = report::watchdog_interval();
  store::AuditHeads audit_heads(*store, system_clock());
  store::Retention retention(*store, system_clock());
  bool stop = false;
  while (!stop) {
    pollfd wait{signals.get(), POLLIN, 0};
    const auto tick = watchdog ? std::min<std::chrono::milliseconds>(*watchdog, kTick) : kTick;
    if (::poll(&wait, 1, static_cast<int>(std::chrono::milliseconds(tick).count())) > 0) {
      signalfd_siginfo info{};
      if (::read(signals.get(), &info, sizeof info) != sizeof info) continue;
      if (info.ssi_signo == SIGHUP) {
        reload(options, current, *store, *server, *dispatcher);
      } else {
        stop = true;
      }
    }
    if (std::chrono::milliseconds(server->loop_age_ms()) < kLoopStuck) report::watchdog();
    server->refresh_certificate();
    tell_audit_head(audit_heads);
    delete_old(retention, current.get()->store.keep_events);
  }
  report::stopping();
  log::info("stopping");
  const auto deadline = Monotonic::now() + current.get()->server.limits.stop_timeout;
  server->stop(deadline);
  dispatcher->stop(deadline);
  api->stop(deadline);
  return 0;
}

/// Credentials are there only where systemd started the process.
bool needs_credentials(const config::Config& config) {
  const auto is_credential = [](const auto& secret) { return !secret.credential.empty(); };
  return std::any_of(config.hooks.begin(), config.hooks.end(),
                     [&](const auto& hook) {
                       return std::any_of(hook.secrets.begin(), hook.secrets.end(), is_credential);
                     }) ||
         std::any_of(config.repositories.begin(), config.repositories.end(), [&](const auto& repository) {
           return (repository.token && is_credential(*repository.token)) ||
                  (repository.ssh_key && is_credential(*repository.ssh_key));
         });
}

std::string count(std::size_t number, const char* one, const char* many) {
  return std::to_string(number) + " " + (number == 1 ? one : many);
}

int check(const Options& options) {
  auto config = config::load(options.config, false);
  if (std::getenv("CREDENTIALS_DIRECTORY") != nullptr || !needs_credentials(*config)) {
    config = config::load(options.config);
  } else {
    std::cout << options.config
              << ": secrets are not checked: systemd hands credentials over only to the service\n";
  }
  for (const auto& warning : config->warnings) std::cout << "warning: " << warning.str() << "\n";
  auto providers = sync::check_providers(*config, provider_directory(options));
  for (const auto& warning : providers.warnings) std::cout << "warning: " << warning.str() << "\n";
  for (const auto& line : providers.unchecked)
    std::cout << options.config << ": not checked: " << line << "\n";
  if (!providers.problems.empty()) throw Failure(std::move(providers.problems));
  std::cout << options.config << ": " << count(config->hooks.size(), "hook", "hooks") << ", "
            << count(config->repositories.size(), "repository", "repositories") << ", "
            << count(config->destinations.size(), "destination", "destinations") << ", "
            << count(config->applications.size(), "application", "applications") << ": valid\n";
  return 0;
}

}  // namespace
}  // namespace gitopsd

int main(int argc, char** argv) {
  using namespace gitopsd;
  Options options;
  CLI::App app{"gitopsd makes real systems match what a Git commit declares."};
  app.add_option("-c,--config,config", options.config, "configuration file")->capture_default_str();
  app.add_flag("--check-config", options.check_config,
               "read the configuration, say what is wrong with it, and exit");
  app.add_option("--provider-dir", options.provider_directory,
                 "where the gitopsd-provider-NAME programs are");
  app.add_option("--log-level", options.log_level, "debug, info, warning or error")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->capture_default_str();
  app.set_version_flag("--version", std::string("gitopsd ") + GITOPSD_VERSION);
  app.footer("Exit status: 1 it failed, 2 the command line is wrong, 78 the configuration is.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help and --version
    std::cerr << "gitopsd: " << error.what() << "\ngitopsd --help lists the options\n";
    return kExitUsage;
  }
  try {
    if (options.check_config) return check(options);
    const auto level = options.log_level == "debug"     ? log::Level::debug
                       : options.log_level == "warning" ? log::Level::warning
                       : options.log_level == "error"   ? log::Level::error
                                                        : log::Level::info;
    log::start("gitopsd", level);
    return run(options);
  } catch (const Failure& failure) {
    for (const auto& problem : failure.problems()) std::cerr << "gitopsd: " << problem.str() << "\n";
    return failure.cause() == ProblemCause::input ? kExitConfiguration : kExitFailure;
  } catch (const std::exception& e) {
    std::cerr << "gitopsd: " << e.what() << "\n";
    return kExitFailure;
  }
}
