// One side of a JSON-RPC 2.0 connection over two descriptors; both the daemon and providers use it.
//
// It always reads: a thread of its own reads and dispatches, another writes from a queue, so two peers that
// write at once never deadlock on full pipes. Control frames go before blob chunks.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/file.h"
#include "base/problem.h"
#include "base/value.h"
#include "providers/protocol/messages.h"

namespace gitopsd::protocol {

// Error codes of JSON-RPC 2.0, and ours in its range for servers.
inline constexpr int kParseError = -32700;
inline constexpr int kInvalidRequest = -32600;
inline constexpr int kUnknownMethod = -32601;
inline constexpr int kInvalidParams = -32602;
inline constexpr int kInternalError = -32603;
inline constexpr int kNotInitialized = -32002;
inline constexpr int kTooLarge = -32003;    ///< the answer would not fit into a frame
inline constexpr int kBusy = -32004;        ///< too many calls or blob requests are open
inline constexpr int kNoProtocol = -32005;  ///< no protocol version in common
inline constexpr int kFailed = -32006;      ///< the call failed; `data.cause` and `data.hint` say more

inline constexpr int kMaxOpenBlobs = 4;
inline constexpr int kMaxOpenCalls = 128;  ///< requests of the other side that wait for our answer

/// What the other side answered to a call: it is there, whatever the cause.
class Refusal : public Failure {
 public:
  using Failure::Failure;
  /// All that it named, where it named several: the failure itself is the first.
  std::vector<WireProblem> all;
};

class Peer {
 public:
  /// Answers a request with an error. `cause`, `hint` and, where there are several, `problems` travel in
  /// `data`.
  class Refuse {
   public:
    using Send = std::function<void(int, std::string, ProblemCause, std::string, Value)>;
    explicit Refuse(Send send) : send_(std::move(send)) {}
    void operator()(int code, std::string message, ProblemCause cause = ProblemCause::internal,
                    std::string hint = {}, Value problems = {}) const {
      send_(code, std::move(message), cause, std::move(hint), std::move(problems));
    }

   private:
    Send send_;
  };

  struct Handlers {
    /// A request of the other side; runs on the reader thread, so it hands long work on. Must call `answer`
    /// or `refuse` once, from any thread, now or later; where it drops both or throws, an error is answered.
    using Answer = std::function<void(Value result)>;
    using Refuse = Peer::Refuse;
    std::function<void(std::string_view method, const Value& params, Answer, Refuse)> request;
    std::function<void(std::string_view method, const Value& params)> notification;
    /// Once, when the stream ended or broke; `why` is for people, empty at a plain end of file. All open
    /// calls fail first.
    std::function<void(std::string why)> closed;
    /// When the other side ended the stream, before anybody hears of it: why, if more can be told than that.
    /// May take a moment, for which calls wait.
    std::function<std::string()> explain{};
  };

  /// Takes the descriptors (which may be one socket, twice through dup), makes them non-blocking and starts.
  Peer(Fd input, Fd output, Handlers handlers);
  /// Closes the stream and joins its threads. Never call it from a handler.
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  /// Blocks for the result. Throws Refusal: the other side's error (with its cause, internal without one);
  /// any other Failure is transient: the stream ended or the deadline passed.
  Value call(std::string_view method, const Value& params, Deadline deadline);
  /// Never blocks; false after the stream ended.
  bool notify(std::string_view method, const Value& params);
  /// Waits until everything queued is written; false when the deadline passed or the stream broke before.
  bool drain(Deadline deadline);
  /// Ends the stream from any thread, also from a handler. What is still queued is lost.
  void close();
  bool open() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace gitopsd::protocol
