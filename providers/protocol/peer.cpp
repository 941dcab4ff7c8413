#include "providers/protocol/peer.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

#include "base/json.h"
#include "providers/protocol/framing.h"
#include "providers/protocol/outbox.h"

namespace gitopsd::protocol {
namespace {

void make_non_blocking(int fd) {
  int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
    throw std::system_error(errno, std::generic_category(), "a provider stream");
}

/// A thread that no signal reaches: they stay with the threads that wait for them, and a broken pipe is an
/// EPIPE.
template <class F>
std::thread quiet_thread(F f) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::move(f));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

Value error_message(Value id, int code, std::string message, ProblemCause cause, std::string hint,
                    Value problems = {}) {
  Value error = Value::object({{"code", code}, {"message", std::move(message)}});
  Value data = Value::object({{"cause", to_string(cause)}});
  if (!hint.empty()) data.set("hint", std::move(hint));
  if (!problems.is_null()) data.set("problems", std::move(problems));
  error.set("data", std::move(data));
  return Value::object({{"jsonrpc", "2.0"}, {"id", std::move(id)}, {"error", std::move(error)}});
}

Refusal remote_failure(std::string_view method, const Value& error) {
  if (!error.is_object())
    return Refusal({ProblemCause::internal, std::string(method) + " an error that is no object", {}, {}, {}});
  const Value* data = error.find("data");
  const Value* message = error.find("message");
  const Value* cause = data ? data->find("cause") : nullptr;
  const Value* hint = data ? data->find("hint") : nullptr;
  const std::string who = method.empty() ? std::string() : std::string(method) + ": ";
  Refusal refusal({cause && cause->is_string() ? problem_cause(cause->as_string()) : ProblemCause::internal,
                   who + (message && message->is_string() ? message->as_string() : "failed"),
                   hint && hint->is_string() ? hint->as_string() : std::string(),
                   {},
                   {}});
  if (const Value* problems = data && data->is_object() ? data->find("problems") : nullptr)
    for (const Value& problem : problems->is_array() ? problems->as_array() : Value::Array{})
      refusal.all.push_back(decode_as<WireProblem>(problem));
  return refusal;
}

struct PendingCall {
  std::condition_variable ready;
  std::optional<Value> result;
  std::optional<Refusal> refusal;
  std::optional<Failure> failure;  ///< without an answer
};

}  // namespace

struct Peer::State : std::enable_shared_from_this<State> {
  State(Fd in, Fd out, Handlers h)
      : input(std::move(in)),
        wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        outbox(std::move(out), wake.get()),
        handlers(std::move(h)) {
    if (!wake) throw std::system_error(errno, std::generic_category(), "eventfd");
  }

  Fd input, wake;
  Outbox outbox;
  Handlers handlers;
  std::thread reader, writer;

  std::mutex mutex;
  bool ended = false;
  bool closed_here = false;  ///< before the other side ended it
  bool told = false;         ///< `why` is what it will be, and open calls have failed
  std::condition_variable telling;
  std::string why, explained;
  std::map<std::int64_t, PendingCall*> calls;
  std::int64_t last_id = 0;
  std::atomic<int> open_requests{0}, open_blobs{0};

  void end(const std::string& reason) {
    std::lock_guard lock(mutex);
    if (ended) return;
    ended = true;
    why = reason;
    std::uint64_t one = 1;
    [[maybe_unused]] auto n = ::write(wake.get(), &one, sizeof one);
  }

  // Answers may still go out after the other side closed its half.
  bool send(const Value& message, Lane lane) {
    if (outbox.push(frame(to_json(message)), lane)) return true;
    end("the other side does not read");
    return false;
  }

  /// With the mutex.
  std::string end_text() const {
    if (!explained.empty()) return explained;
    return "the stream ended" + (why.empty() ? std::string() : ": " + why);
  }

  void read_loop();
  void explain();
  std::string read_until_end();
  void dispatch(const std::string& payload);
  void dispatch_request(const std::string& method, const Value& params, const Value& id);
  void dispatch_answer(const Value& message);
  void fail_calls();
};

namespace {

/// The one answer to one request. Whoever drops it unanswered has answered an error.
class Reply {
 public:
  using Send = std::function<void(const Value& message, bool may_be_large)>;
  Reply(Value id, Send send) : id_(std::move(id)), send_(std::move(send)) {}
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;
  ~Reply() {
    refuse(kInternalError, "the request was dropped without an answer", ProblemCause::internal, {});
  }

  void answer(Value result) {
    if (done_.exchange(true)) return;
    send_(Value::object({{"jsonrpc", "2.0"}, {"id", id_}, {"result", std::move(result)}}), true);
  }
  void refuse(int code, std::string message, ProblemCause cause, std::string hint, Value problems = {}) {
    if (done_.exchange(true)) return;
    send_(error_message(id_, code, std::move(message), cause, std::move(hint), std::move(problems)), false);
  }

 private:
  Value id_;
  Send send_;
  std::atomic<bool> done_{false};
};

}  // namespace

void Peer::State::read_loop() {
  std::string reason;
  try {
    reason = read_until_end();
    end(reason);
    explain();
  } catch (const std::exception& e) {
    end(e.what());
  }
  fail_calls();
  if (handlers.closed) handlers.closed(explained.empty() ? why : explained);
}

void Peer::State::explain() {
  {
    std::lock_guard lock(mutex);
    if (closed_here || !handlers.explain) return;
  }
  auto text = handlers.explain();
  std::lock_guard lock(mutex);
  explained = std::move(text);
}

std::string Peer::State::read_until_end() {
  FrameReader frames;
  std::string chunk(64u << 10, '\0');
  for (;;) {
    pollfd fds[2] = {{input.get(), POLLIN, 0}, {wake.get(), POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0 && errno != EINTR) return "waiting: " + errno_text(errno);
    if (fds[1].revents) return {};
    if (!fds[0].revents) continue;
    ssize_t n = ::read(input.get(), chunk.data(), chunk.size());
    if (n == 0) return {};
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (n < 0) return "reading: " + errno_text(errno);
    frames.feed(std::string_view(chunk.data(), static_cast<std::size_t>(n)));
    while (auto payload = frames.next()) dispatch(*payload);
  }
}

void Peer::State::dispatch(const std::string& payload) {
  Value message;
  try {
    message = parse_json(payload);
  } catch (const Failure& e) {
    send(error_message(Value(), kParseError, e.what(), ProblemCause::input, {}), Lane::control);
    return;
  }
  const Value* version = message.find("jsonrpc");
  const Value* method = message.find("method");
  const Value* id = message.find("id");
  const Value* params = message.find("params");
  if (!version || !version->is_string() || version->as_string() != "2.0" ||
      (method && !method->is_string())) {
    send(error_message(id ? *id : Value(), kInvalidRequest,
                       "not a JSON-RPC 2.0 message (batches are not supported)", ProblemCause::input, {}),
         Lane::control);
    return;
  }
  if (!method) return dispatch_answer(message);
  static const Value kNoParams = Value::object();
  if (id) return dispatch_request(method->as_string(), params ? *params : kNoParams, *id);
  if (handlers.notification) try {
      handlers.notification(method->as_string(), params ? *params : kNoParams);
    } catch (const Failure&) {
      // A notification has no answer; nonsense in one is ignored, as an unknown one is.
    }
}

void Peer::State::dispatch_request(const std::string& method, const Value& params, const Value& id) {
  const bool blob = method == "blob";
  std::atomic<int>& count = blob ? open_blobs : open_requests;
  const bool busy = ++count > (blob ? kMaxOpenBlobs : kMaxOpenCalls);
  auto reply =
      std::make_shared<Reply>(id, [self = weak_from_this(), blob](const Value& message, bool may_be_large) {
        auto state = self.lock();
        if (!state) return;
        --(blob ? state->open_blobs : state->open_requests);
        try {
          state->send(message, blob ? Lane::blob : Lane::control);
        } catch (const Failure& e) {
          if (!may_be_large) return state->end(e.what());
          state->send(error_message(message.find("id") ? *message.find("id") : Value(), kTooLarge, e.what(),
                                    ProblemCause::internal, "ask for fewer at once"),
                      Lane::control);
        }
      });
  const Peer::Refuse refuse(
      [reply](int code, std::string text, ProblemCause cause, std::string hint, Value problems) {
        reply->refuse(code, std::move(text), cause, std::move(hint), std::move(problems));
      });
  if (busy) return refuse(kBusy, "too many open requests", ProblemCause::transient, "wait for answers first");
  if (!handlers.request)
    return refuse(kUnknownMethod, "unknown method '" + method + "'", ProblemCause::internal, {});
  try {
    handlers.request(
        method, params, [reply](Value result) { reply->answer(std::move(result)); }, refuse);
  } catch (const Failure& e) {
    refuse(e.cause() == ProblemCause::input ? kInvalidParams : kFailed,
           method + ": " + e.problems()[0].message, e.cause(), e.problems()[0].hint);
  }
}

void Peer::State::dispatch_answer(const Value& message) {
  const Value* id = message.find("id");
  const Value* error = message.find("error");
  if (!id && error) throw remote_failure("the other side could not read a message", *error);
  if (!id || !id->is_int()) return;
  std::lock_guard lock(mutex);
  auto found = calls.find(id->as_int());
  if (found == calls.end()) return;  // an answer after its deadline
  PendingCall& call = *found->second;
  calls.erase(found);
  if (error)
    call.refusal = remote_failure({}, *error);
  else if (message.as_object().contains("result"))
    call.result = message.as_object().at("result");
  else
    call.refusal = Refusal({ProblemCause::destination, "an answer without result and error", {}, {}, {}});
  call.ready.notify_all();
}

void Peer::State::fail_calls() {
  std::lock_guard lock(mutex);
  for (auto& [id, call] : calls) {
    call->failure = fail(ProblemCause::transient, end_text());
    call->ready.notify_all();
  }
  calls.clear();
  told = true;
  telling.notify_all();
}

Peer::Peer(Fd input, Fd output, Handlers handlers) {
  make_non_blocking(input.get());
  make_non_blocking(output.get());
  state_ = std::make_shared<State>(std::move(input), std::move(output), std::move(handlers));
  State* state = state_.get();
  state_->writer = quiet_thread([state] {
    std::string why = state->outbox.run();
    if (!why.empty()) state->end(why);
  });
  state_->reader = quiet_thread([state] { state->read_loop(); });
}

Peer::~Peer() {
  close();
  state_->reader.join();
  state_->writer.join();
}

Value Peer::call(std::string_view method, const Value& params, Deadline deadline) {
  PendingCall pending;
  std::int64_t id = 0;
  {
    std::unique_lock lock(state_->mutex);
    if (state_->ended) {
      state_->telling.wait_until(lock, deadline, [&] { return state_->told; });
      throw fail(ProblemCause::transient, std::string(method) + ": " + state_->end_text());
    }
    id = ++state_->last_id;
    state_->calls.emplace(id, &pending);
  }
  auto forget = [&] {
    std::lock_guard lock(state_->mutex);
    state_->calls.erase(id);
  };
  try {
    state_->send(Value::object({{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}}),
                 Lane::control);
  } catch (...) {
    forget();
    throw;
  }
  std::unique_lock lock(state_->mutex);
  pending.ready.wait_until(lock, deadline,
                           [&] { return pending.result || pending.refusal || pending.failure; });
  state_->calls.erase(id);
  if (pending.refusal) throw std::move(*pending.refusal);
  if (pending.failure) throw std::move(*pending.failure);
  if (!pending.result)
    throw fail(ProblemCause::transient, std::string(method) + ": no answer before the deadline");
  return std::move(*pending.result);
}

bool Peer::notify(std::string_view method, const Value& params) {
  if (!open()) return false;
  return state_->send(Value::object({{"jsonrpc", "2.0"}, {"method", method}, {"params", params}}),
                      Lane::control);
}

bool Peer::drain(Deadline deadline) {
  return state_->outbox.drain(deadline);
}

void Peer::close() {
  {
    std::lock_guard lock(state_->mutex);
    state_->closed_here = !state_->ended;
  }
  state_->end({});
  state_->outbox.close();
  std::uint64_t one = 1;
  [[maybe_unused]] auto n = ::write(state_->wake.get(), &one, sizeof one);
}

bool Peer::open() const {
  std::lock_guard lock(state_->mutex);
  return !state_->ended;
}

}  // namespace gitopsd::protocol
