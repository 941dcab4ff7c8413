#include "daemon/sync/provider.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>

#include "base/log.h"
#include "base/process.h"
#include "daemon/sync/provider_calls.h"
#include "providers/protocol/remembered.h"

namespace gitopsd::sync {
namespace {

using namespace std::chrono_literals;
using protocol::Peer;

constexpr auto kInitializeTimeout = 10s;
constexpr auto kFirstBackoff = 100ms;
constexpr auto kLastBackoff = 10s;
constexpr auto kGoodbye = 2s;
constexpr auto kLastMoments = 2s;  // of a process whose stream has ended

/// One life of a provider process or socket connection.
struct Connection {
  /// As it is now.
  std::string render_context_digest() const {
    std::lock_guard lock(calls->mutex);
    return calls->context ? calls->context->render_context_digest : info.render_context_digest;
  }
  protocol::InitializeResult info_now() const {
    protocol::InitializeResult now = info;
    std::lock_guard lock(calls->mutex);
    if (!calls->context) return now;
    now.render_context_digest = calls->context->render_context_digest;
    if (!calls->context->render_context.is_null()) now.render_context = calls->context->render_context;
    return now;
  }

  Child child;  // none for a socket
  std::shared_ptr<ProviderCalls> calls = std::make_shared<ProviderCalls>();
  std::unique_ptr<Peer> peer;
  protocol::InitializeResult info;
};

/// Registers what a call offers to the provider while it is open.
class OpenCall {
 public:
  OpenCall(Connection& connection, BlobSource* blobs, std::string sync = {},
           std::function<void(const protocol::Progress&)> sink = {})
      : c_(*connection.calls), blobs_(blobs), sync_(std::move(sync)) {
    std::lock_guard lock(c_.mutex);
    if (blobs_) c_.blobs.insert(blobs_);
    if (!sync_.empty()) c_.progress[sync_] = std::move(sink);
  }
  ~OpenCall() {
    std::lock_guard lock(c_.mutex);
    if (blobs_) c_.blobs.erase(c_.blobs.find(blobs_));
    if (!sync_.empty()) c_.progress.erase(sync_);
  }
  OpenCall(const OpenCall&) = delete;
  OpenCall& operator=(const OpenCall&) = delete;

 private:
  ProviderCalls& c_;
  BlobSource* blobs_;
  std::string sync_;
};

Fd connect_socket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    throw fail(ProblemCause::input, "socket path is too long: " + path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd || ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    throw fail(ProblemCause::transient, "cannot reach the provider at " + path + ": " + errno_text(errno),
               "is its socket unit started, and may this user connect?");
  }
  return fd;
}

class ProcessProvider : public Provider {
 public:
  ProcessProvider(const config::Destination& destination, std::string installation,
                  const std::string& programs, const std::string& state, Events events)
      : destination_(destination),
        installation_(std::move(installation)),
        program_(provider_program(destination, programs)),
        state_directory_(state + "/providers/" + destination.name.str()),
        events_(std::move(events)) {}

  ~ProcessProvider() override { shutdown(Monotonic::now() + 2s); }

  const DestinationName& destination() const override { return destination_.name; }
  protocol::InitializeResult info() override { return connection()->info_now(); }
  std::string render_context_digest() override { return usable()->render_context_digest(); }
  bool connected() const override {
    const auto c = std::atomic_load(&visible_);
    return c && !c->calls->dead;
  }
  std::uint64_t generation() const override { return generation_; }
  std::string trouble() const override {
    const auto c = std::atomic_load(&visible_);
    const auto why = std::atomic_load(&trouble_);
    if (connected()) return {};
    return why ? *why : c ? c->calls->end_text() : std::string();
  }

  WallMicros down_since() const override { return *down_since_; }
  std::vector<ToldCondition> conditions() const override {
    const auto said = std::atomic_load(&conditions_);
    return said ? said->all() : std::vector<ToldCondition>{};
  }

  protocol::ResolveResult resolve(const protocol::ResolveRequest& r, BlobSource* blobs, Deadline d) override {
    auto c = meant();
    OpenCall open(*c, blobs);
    return call<protocol::ResolveResult>(*c, "resolve", encode(r), d);
  }
  protocol::PlanResult plan(const protocol::PlanRequest& r, BlobSource* blobs, Deadline d) override {
    auto c = meant();
    OpenCall open(*c, blobs);
    return call_about<protocol::PlanResult>(*c, "plan", r, d);
  }
  void discard(const std::string& token, Deadline d) override {
    connection()->peer->call("discard", encode(protocol::DiscardRequest{token}), d);
  }
  protocol::ApplyResult apply(const protocol::ApplyRequest& r, BlobSource* blobs,
                              std::function<void(const protocol::Progress&)> sink, Deadline d) override {
    auto c = meant();
    OpenCall open(*c, blobs, r.sync, std::move(sink));
    return call_about<protocol::ApplyResult>(*c, "apply", r, d);
  }
  protocol::ObserveResult observe(const protocol::ObserveRequest& r, BlobSource* blobs, Deadline d) override {
    auto c = meant();
    OpenCall open(*c, blobs);
    return call<protocol::ObserveResult>(*c, "observe", encode(r), d);
  }
  protocol::ListResult list(const protocol::ListRequest& r, Deadline d) override {
    auto c = meant();
    return call<protocol::ListResult>(*c, "list", encode(r), d);
  }
  void cancel(const std::string& sync) override {
    std::lock_guard lock(mutex_);
    if (connection_ && !connection_->calls->dead) {
      connection_->peer->notify("cancel", encode(protocol::CancelRequest{sync}));
    }
  }

  std::optional<std::string> identity() const override {
    const auto c = std::atomic_load(&visible_);
    if (!c || c->calls->dead) return std::nullopt;
    std::lock_guard lock(c->calls->mutex);
    return c->calls->identity;
  }

  void reconnect() override {
    let_go(Monotonic::now() + kGoodbye, [this] {
      not_before_ = {};
      backoff_ = kFirstBackoff;
    });
  }
  void shutdown(Deadline deadline) override {
    let_go(deadline, [this] { stopped_ = true; });
  }

 private:
  /// Ends the connection. `then` runs with the mutex.
  template <class Then>
  void let_go(Deadline deadline, Then then) {
    std::shared_ptr<Connection> c;
    {
      std::lock_guard lock(mutex_);
      then();
      c = std::move(connection_);
      std::atomic_store(&visible_, std::shared_ptr<Connection>());
      why_ = "it was ended";
    }
    if (!c) return;
    c->calls->stopping = true;
    try {
      if (!c->calls->dead) c->peer->call("shutdown", Value::object(), deadline);
    } catch (const Failure& failure) {
      log::warning("provider did not shut down in time",
                   {{"destination", destination_.name.str()}, {"error", failure.what()}});
    }
    end(*c);
  }

  /// A long document that the provider remembers is only named.
  template <class Result, class Request>
  Result call_about(Connection& c, std::string_view method, const Request& request, Deadline deadline) {
    if (!c.info.has(protocol::kRemembers) || !protocol::any_long(request.documents))
      return call<Result>(c, method, encode(request), deadline);
    Request brief = request;
    protocol::only_named(brief.documents);
    try {
      return call<Result>(c, method, encode(brief), deadline);
    } catch (const protocol::Forgotten&) {
      return call<Result>(c, method, encode(request), deadline);
    }
  }

  template <class Result>
  Result call(Connection& c, std::string_view method, const Value& params, Deadline deadline) {
    Value answer;
    try {
      answer = c.peer->call(method, params, deadline);
    } catch (const protocol::Refusal& said) {
      if (!said.all.empty() && said.all.front().code == protocol::kForgotten) throw protocol::Forgotten{};
      c.calls->expect_meant(destination_.name);     // which it may have learnt by this call
      if (said.cause() == ProblemCause::transient)  // of its destination, such as an API that is down
        throw Failure(in_its_words(method, said.problems().front()));
      throw refusal(method, said);
    } catch (const Failure& failure) {
      // Past its deadline a provider is taken for hung: nothing that it may still do can be waited for.
      end(c);
      throw named(failure);
    }
    try {
      return protocol::decode_as<Result>(answer);
    } catch (const Failure& failure) {
      if (failure.cause() != ProblemCause::input) throw;
      throw fail(ProblemCause::destination, "destination " + destination_.name.str() +
                                                ": its provider answered " + std::string(method) +
                                                " with something that is no answer: " + failure.what());
    }
  }

  /// What the provider said, and of which destination.
  Failure refusal(std::string_view method, const Failure& said) const {
    return named(Failure(in_its_words(method, said.problems().front())));
  }

  /// People want to know in which call only of a bug.
  static Problem in_its_words(std::string_view method, Problem problem) {
    const std::string own = std::string(method) + ": ";  // some begin with it
    if (problem.message.starts_with(own)) problem.message.erase(0, own.size());
    if (problem.cause == ProblemCause::internal)
      problem.message = "its provider fails in " + std::string(method) + ": " + problem.message;
    return problem;
  }

  Failure named(const Failure& failure) const {
    std::vector<Problem> problems = failure.problems();
    for (auto& problem : problems)
      problem.message = "destination " + destination_.name.str() + ": " + problem.message;
    return Failure(std::move(problems));
  }

  /// Of `initialize`: all that is wrong with the settings, where it stands in the configuration.
  Failure refused_settings(const Failure& said) const {
    const auto* refused = dynamic_cast<const protocol::Refusal*>(&said);
    if (refused == nullptr || refused->all.empty())
      return Failure(in_its_words("initialize", said.problems().front()));
    std::vector<Problem> problems;
    for (const auto& wire : refused->all) {
      Problem problem = in_its_words("initialize", {wire.cause, wire.message, wire.hint, {}, {}});
      const Value* member = wire.pointer.empty() ? nullptr : destination_.settings.at_pointer(wire.pointer);
      if (member != nullptr && member->position.line > 0) {
        problem.file = destination_.file;
        problem.position = member->position;
      }
      problems.push_back(std::move(problem));
    }
    return Failure(std::move(problems));
  }

  void end(Connection& c) {
    c.calls->dead = true;
    c.peer->close();
    c.child.signal(SIGKILL);
  }

  /// What keeps a provider from starting may be mended at any time.
  std::shared_ptr<Connection> usable() {
    try {
      return connection();
    } catch (const Failure& failure) {
      std::vector<Problem> problems = failure.problems();
      for (auto& problem : problems) problem.cause = ProblemCause::transient;
      throw Failure(std::move(problems));
    }
  }

  /// For calls that are about the one destination that is meant.
  std::shared_ptr<Connection> meant() {
    auto c = usable();
    c->calls->expect_meant(destination_.name);
    return c;
  }

  std::shared_ptr<Connection> connection() {
    const auto before = generation_.load();
    auto c = connected_or_start();
    if (generation_ != before && c->calls->is_another()) events_.condition();
    return c;
  }

  std::shared_ptr<Connection> connected_or_start() {
    std::lock_guard lock(mutex_);
    if (stopped_)
      throw fail(ProblemCause::transient,
                 "its provider ends: the daemon stops, or the destination's settings have changed");
    if (connection_ && !connection_->calls->dead) return connection_;
    const auto now = Monotonic::now();
    if (now < not_before_)
      throw fail(ProblemCause::transient, "destination " + destination_.name.str() +
                                              ": its provider is not running: " +
                                              (why_.empty() ? connection_->calls->end_text() : why_));
    if (connected_at_ != Monotonic::time_point{} && now - connected_at_ > 60s) backoff_ = kFirstBackoff;
    not_before_ = now + backoff_;
    backoff_ = std::min<std::chrono::milliseconds>(backoff_ * 2, kLastBackoff);
    try {
      connection_ = start();
    } catch (const Failure& failure) {
      why_ = failure.what();
      std::atomic_store(&trouble_, std::make_shared<const std::string>(why_));
      if (*down_since_ == 0) *down_since_ = system_clock().wall();
      throw named(failure);
    }
    *down_since_ = 0;
    why_.clear();
    std::atomic_store(&visible_, connection_);
    std::atomic_store(&trouble_, std::shared_ptr<const std::string>());
    connected_at_ = Monotonic::now();
    ++generation_;
    if (events_.started) events_.started(connection_->info);
    return connection_;
  }

  std::shared_ptr<Connection> start() {
    protocol::InitializeRequest request;
    if (events_.meant) request.identity = events_.meant();
    auto c = std::make_shared<Connection>();
    auto [input, output] = open_streams(*c);
    const auto calls = c->calls;
    const auto events = events_;
    std::atomic_store(&conditions_, calls->conditions);
    Peer::Handlers handlers;
    handlers.request = [calls](std::string_view method, const Value& params,
                               const Peer::Handlers::Answer& answer, const Peer::Handlers::Refuse& refuse) {
      calls->on_request(method, params, answer, refuse);
    };
    handlers.notification = [calls, events](std::string_view method, const Value& params) {
      try {
        calls->on_notification(method, params, events);
      } catch (const Failure& failure) {
        log::warning("provider sent a bad message", {{"method", method}, {"error", failure.what()}});
      }
    };
    handlers.closed = [calls, events, since = down_since_,
                       name = destination_.name.str()](const std::string& why) {
      // Of what has ended by itself a call that failed may know before.
      const bool known = calls->dead.exchange(true) && calls->end_text() == kEnded;
      if (!known && !calls->stopping)
        log::warning("provider ended",
                     {{"destination", name}, {"why", why.empty() ? "it closed the connection" : why}});
      if (*since == 0) *since = system_clock().wall();
      calls->conditions->clear();
      events.condition();
      events.changed(
          protocol::Changed{});  // its watches are gone: everything on it has to be looked at again
    };
    if (c->child.running())
      handlers.explain = [calls, child = &c->child]() -> std::string {  // which outlives the reader's thread
        auto fate = child->fate(Monotonic::now() + kLastMoments);
        if (fate.empty()) return {};
        std::lock_guard lock(calls->mutex);
        calls->fate = std::move(fate);
        return "its provider " + calls->fate;
      };
    c->peer = std::make_unique<Peer>(std::move(input), std::move(output), std::move(handlers));
    request.destination = destination_.name.str();
    request.settings = destination_.settings;
    request.installation = installation_;
    request.state_directory = destination_.socket.empty() ? state_directory_ : std::string();
    try {
      c->info = protocol::decode_as<protocol::InitializeResult>(
          c->peer->call("initialize", encode(request), Monotonic::now() + kInitializeTimeout));
    } catch (const Failure& failure) {
      end(*c);
      if (failure.cause() == ProblemCause::transient) throw;
      throw refused_settings(failure);
    }
    if (c->info.protocol != protocol::kProtocol) {
      end(*c);
      throw fail(ProblemCause::destination, "its provider speaks protocol " +
                                                std::to_string(c->info.protocol) + ", this daemon speaks " +
                                                std::to_string(protocol::kProtocol));
    }
    try {
      if (c->info.identity) calls->identified(*c->info.identity, events_);
    } catch (const Failure&) {
      end(*c);
      throw;
    }
    return c;
  }

  std::pair<Fd, Fd> open_streams(Connection& c) {
    if (!destination_.socket.empty()) {
      Fd in = connect_socket(destination_.socket);
      Fd out(::fcntl(in.get(), F_DUPFD_CLOEXEC, 0));
      return {std::move(in), std::move(out)};
    }
    ::mkdir((state_directory_.substr(0, state_directory_.rfind('/'))).c_str(), 0700);
    ::mkdir(state_directory_.c_str(), 0700);
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
      throw fail(ProblemCause::transient, "no socket pair for a provider: " + errno_text(errno));
    }
    Fd ours(ends[0]), theirs(ends[1]);
    Command command;
    command.arguments = {program_};
    command.environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"};
    command.input = command.output = theirs.get();
    command.error = STDERR_FILENO;
    c.child = Child(command);
    Fd out(::fcntl(ours.get(), F_DUPFD_CLOEXEC, 0));
    return {std::move(ours), std::move(out)};
  }

  const config::Destination destination_;
  const std::string installation_, program_, state_directory_;
  const Events events_;
  mutable std::mutex mutex_;
  std::shared_ptr<Connection> connection_;
  std::atomic<std::uint64_t> generation_{0};
  std::shared_ptr<Connection> visible_;  // the same, for those who may not wait while one starts
  std::shared_ptr<const std::string> trouble_;
  std::shared_ptr<Conditions> conditions_;  // what its last life said
  const std::shared_ptr<std::atomic<WallMicros>> down_since_ = std::make_shared<std::atomic<WallMicros>>(0);
  bool stopped_ = false;
  std::string why_ = "it has not been started yet";
  std::chrono::milliseconds backoff_ = kFirstBackoff;
  Monotonic::time_point not_before_{}, connected_at_{};
};

}  // namespace

std::string provider_program(const config::Destination& destination, const std::string& program_directory) {
  if (!destination.command.empty()) return destination.command;
  // A build has each in a folder of its own.
  const std::string name = std::string(kProviderPrefix) + destination.provider;
  const std::string built = program_directory + "/" + destination.provider + "/" + name;
  return ::access(built.c_str(), X_OK) == 0 ? built : program_directory + "/" + name;
}

std::unique_ptr<Provider> open_provider(const config::Destination& destination,
                                        const std::string& installation, const std::string& program_directory,
                                        const std::string& state_directory, Provider::Events events) {
  return std::make_unique<ProcessProvider>(destination, installation, program_directory, state_directory,
                                           std::move(events));
}

}  // namespace gitopsd::sync
