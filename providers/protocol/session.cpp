#include "providers/protocol/session.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/log.h"

namespace gitopsd::protocol {
namespace {

using namespace std::chrono_literals;
constexpr int kThreads = 8;
constexpr auto kDrain = 5s;
constexpr std::int64_t kDefaultDeadlineMs = 60'000, kMaxDeadlineMs = 86'400'000;
constexpr std::array<std::string_view, 6> kCalls{"resolve", "plan", "apply", "observe", "list", "discard"};

Deadline deadline_of(const Value& params) {
  const Value* wanted = params.find("deadlineMs");
  std::int64_t ms = wanted && wanted->is_int() ? wanted->as_int() : kDefaultDeadlineMs;
  return Monotonic::now() + std::chrono::milliseconds(std::clamp<std::int64_t>(ms, 0, kMaxDeadlineMs));
}

std::string sync_of(const Value& params) {
  const Value* sync = params.find("sync");
  return sync && sync->is_string() ? sync->as_string() : std::string();
}

void refuse_with(const Peer::Refuse& refuse, const std::string& method, const Failure& failure,
                 Value problems = {}) {
  Problem problem = failure.problems().front();
  const std::string hint = std::exchange(problem.hint, {});
  refuse(kFailed, method + ": " + problem.str(), failure.cause(), hint, std::move(problems));
}

void refuse_forgotten(const Peer::Refuse& refuse, const std::string& method) {
  WireProblem problem;
  problem.code = kForgotten;
  problem.cause = ProblemCause::transient;
  problem.message = method + ": a document is only named, and not remembered";
  Value problems = Value::array();
  problems.push(encode(problem));
  refuse(kFailed, problem.message, problem.cause, {}, std::move(problems));
}

std::vector<Problem> without_pointers(const std::vector<WireProblem>& problems) {
  std::vector<Problem> out;
  out.reserve(problems.size());
  for (const auto& wire : problems) out.push_back({wire.cause, wire.message, wire.hint, {}, {}});
  return out;
}

}  // namespace

SettingsRefused::SettingsRefused(std::vector<WireProblem> problems)
    : Failure(without_pointers(problems)), all_(std::move(problems)) {}

/// Outlives the session, since a service's threads may hold it.
class PeerNotifier : public Notifier {
 public:
  void changed(const Changed& message) override { notify("changed", encode(message)); }
  void context(const ContextChanged& message) override { notify("context", encode(message)); }
  void condition(const Condition& message) override { notify("condition", encode(message)); }
  void identified(const Identified& message) override { notify("identity", encode(message)); }
  void attach(Peer* peer) {
    std::lock_guard lock(mutex_);
    peer_ = peer;
  }

 private:
  void notify(std::string_view method, const Value& params) {
    std::lock_guard lock(mutex_);
    if (peer_) peer_->notify(method, params);
  }
  std::mutex mutex_;
  Peer* peer_ = nullptr;
};

Session::Session(Service& service, Fd in, Fd out)
    : service_(service),
      ended_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      notifier_(std::make_shared<PeerNotifier>()),
      workers_(kThreads) {
  Peer::Handlers handlers;
  handlers.request = [this](std::string_view method, const Value& params, Answer answer,
                            const Refuse& refuse) { on_request(method, params, std::move(answer), refuse); };
  handlers.closed = [this](const std::string& why) {
    std::lock_guard lock(mutex_);
    broken_ = why;
    wake();
  };
  // Until the peer is set no handler may use it: the first request waits for this lock.
  std::lock_guard lock(mutex_);
  peer_ = std::make_unique<Peer>(std::move(in), std::move(out), std::move(handlers));
  notifier_->attach(peer_.get());
}

Session::~Session() {
  cancel_all();
  workers_.wait_idle();
  notifier_->attach(nullptr);
  peer_.reset();
}

void Session::wake() {
  std::uint64_t one = 1;
  [[maybe_unused]] auto n = ::write(ended_.get(), &one, sizeof one);
}

int Session::run(int stop) {
  for (;;) {
    pollfd fds[2] = {{ended_.get(), POLLIN, 0}, {stop, POLLIN, 0}};
    ::poll(fds, 2, -1);
    if (fds[0].revents || fds[1].revents) break;
  }
  cancel_all();
  workers_.wait_idle();
  service_.shutdown();
  std::lock_guard lock(mutex_);
  if (shutdown_answer_) shutdown_answer_(Value::object());
  peer_->drain(Monotonic::now() + kDrain);
  if (!broken_.empty()) log::error("the stream to the daemon broke", {{"why", broken_}});
  return broken_.empty() ? 0 : 1;
}

void Session::on_request(std::string_view method, const Value& params, Answer answer, const Refuse& refuse) {
  if (method == "cancel" && ready()) return cancel(params, answer);
  // Held until the call is queued, so that run() never misses one.
  std::lock_guard lock(mutex_);
  if (stopping_) return refuse(kBusy, "shutting down", ProblemCause::transient);
  if (method == "shutdown") return shutdown(std::move(answer));
  if (method == "initialize") return initialize(params, std::move(answer), refuse);
  const bool known = std::find(kCalls.begin(), kCalls.end(), method) != kCalls.end();
  if (!known && method != "cancel")
    return refuse(kUnknownMethod, "unknown method '" + std::string(method.substr(0, 64)) + "'");
  if (phase_ != Phase::ready) return refuse(kNotInitialized, "initialize must be answered first");
  start(std::string(method), params, std::move(answer), refuse);
}

bool Session::ready() {
  std::lock_guard lock(mutex_);
  return phase_ == Phase::ready;
}

void Session::initialize(const Value& params, Answer answer, Refuse refuse) {
  if (phase_ != Phase::fresh) return refuse(kInvalidRequest, "initialize comes once per stream");
  auto request = decode_as<InitializeRequest>(params);
  if (std::find(request.protocols.begin(), request.protocols.end(), kProtocol) == request.protocols.end())
    return refuse(kNoProtocol, "this provider speaks protocol " + std::to_string(kProtocol) + " only",
                  ProblemCause::destination, "install a provider and a daemon of the same major version");
  phase_ = Phase::initializing;
  workers_.run([this, request = std::move(request), answer = std::move(answer), refuse = std::move(refuse)] {
    InitializeResult result;
    std::optional<Failure> failure;
    Value problems;
    try {
      result = service_.initialize(request, notifier_);
      result.protocol = kProtocol;
      result.features.emplace_back(kRemembers);
    } catch (const SettingsRefused& e) {
      failure = e;
      problems = Value(Value::Array{});
      for (const auto& problem : e.all()) problems.as_array().push_back(encode(problem));
    } catch (const Failure& e) {
      failure = e;
    } catch (const std::exception& e) {
      failure = fail(ProblemCause::internal, e.what());
    }
    {
      std::lock_guard lock(mutex_);
      phase_ = failure ? Phase::fresh : Phase::ready;
    }
    if (failure) return refuse_with(refuse, "initialize", *failure, std::move(problems));
    answer(encode(result));
  });
}

void Session::cancel(const Value& params, const Answer& answer) {
  auto request = decode_as<CancelRequest>(params);
  {
    std::lock_guard lock(mutex_);
    if (!request.sync.empty())
      for (auto [it, end] = calls_.equal_range(request.sync); it != end; ++it) *it->second = true;
  }
  service_.cancel(request.sync);
  answer(Value::object());
}

// From now on nothing new begins; run() answers when what is open has ended.
void Session::shutdown(Answer answer) {
  stopping_ = true;
  shutdown_answer_ = std::move(answer);
  wake();
}

void Session::cancel_all() {
  std::vector<std::string> syncs;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    for (auto& [sync, flag] : calls_) {
      *flag = true;
      syncs.push_back(sync);
    }
  }
  for (const auto& sync : syncs) service_.cancel(sync);
}

Session::Flag Session::open_call(const std::string& sync) {
  auto flag = std::make_shared<std::atomic<bool>>(false);
  calls_.emplace(sync, flag);
  return flag;
}

void Session::close_call(const std::string& sync, const Flag& flag) {
  std::lock_guard lock(mutex_);
  for (auto [it, end] = calls_.equal_range(sync); it != end; ++it)
    if (it->second == flag) {
      calls_.erase(it);
      return;
    }
}

// The flag exists from the moment the request was read, so that a cancel right behind it finds it.
void Session::start(std::string method, Value params, Answer answer, Refuse refuse) {
  std::string sync = sync_of(params);
  Flag flag = open_call(sync);
  Deadline deadline = deadline_of(params);
  workers_.run([this, method = std::move(method), params = std::move(params), sync, flag, deadline,
                answer = std::move(answer), refuse = std::move(refuse)] {
    auto cancelled = [flag] { return flag->load(); };
    PeerBlobReader blobs(*peer_, slots_, cancelled, deadline);
    CallContext context{blobs, cancelled, deadline};
    std::optional<Value> result;
    try {
      result = dispatch(method, params, context);
    } catch (const Forgotten&) {
      refuse_forgotten(refuse, method);
    } catch (const Failure& e) {
      refuse_with(refuse, method, e);
    } catch (const std::exception& e) {
      refuse(kFailed, method + ": " + e.what());
    }
    close_call(sync, flag);
    if (result) answer(std::move(*result));
  });
}

Value Session::dispatch(const std::string& method, const Value& params, CallContext& context) {
  if (method == "resolve") {
    const auto request = decode_as<ResolveRequest>(params);
    documents_.keep(request.documents);
    return encode(service_.resolve(request, context));
  }
  if (method == "plan") {
    auto request = decode_as<PlanRequest>(params);
    documents_.keep(request.documents);  // of a heal or a rollback, which nobody resolves
    documents_.recall(request.documents);
    return encode(service_.plan(request, context));
  }
  if (method == "observe") return encode(service_.observe(decode_as<ObserveRequest>(params), context));
  if (method == "list") return encode(service_.list(decode_as<ListRequest>(params), context));
  if (method == "apply") {
    auto request = decode_as<ApplyRequest>(params);
    documents_.recall(request.documents);
    return encode(service_.apply(request, context,
                                 [this](const Progress& p) { peer_->notify("progress", encode(p)); }));
  }
  service_.discard(decode_as<DiscardRequest>(params), context);
  return Value::object();
}

int serve(Service& service, Fd in, Fd out, int stop) {
  Session session(service, std::move(in), std::move(out));
  return session.run(stop);
}

}  // namespace gitopsd::protocol
