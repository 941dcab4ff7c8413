// One side of a JSON-RPC 2.0 connection over two descriptors; both the daemon and providers use it.
//
// It always reads: a thread of its own reads and dispatches, another writes from a queue, so two peers that write
// at once never deadlock on full pipes. Control frames go before blob chunks.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/file.h"
#include "base/value.h"

namespace gitopsd::protocol {

class Peer {
 public:
  struct Handlers {
    /// A request of the other side; runs on the reader thread, so it hands long work on. Must call `answer` once,
    /// from any thread, now or later.
    using Answer = std::function<void(Value result)>;
    using Refuse = std::function<void(int code, std::string message)>;
    std::function<void(std::string_view method, const Value& params, Answer, Refuse)> request;
    std::function<void(std::string_view method, const Value& params)> notification;
    /// Once, when the stream ended or broke; `why` is for people. All open calls fail first.
    std::function<void(std::string why)> closed;
  };

  /// Takes the descriptors (which may be one socket, twice through dup) and starts.
  Peer(Fd input, Fd output, Handlers handlers);
  /// Closes the stream and joins its threads. Never call it from a handler.
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  /// Blocks for the result. Throws Failure: the other side's error (cause internal), transient when the stream
  /// ended or the deadline passed.
  Value call(std::string_view method, const Value& params, Deadline deadline);
  /// Never blocks; false after the stream ended.
  bool notify(std::string_view method, const Value& params);
  /// Ends the stream from any thread, also from a handler.
  void close();
  bool open() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace gitopsd::protocol
