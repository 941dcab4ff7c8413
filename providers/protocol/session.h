// One stream's state on the provider's side: which calls are open, who is cancelled, and how it ends.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>

#include "providers/protocol/blob_reader.h"
#include "providers/protocol/peer.h"
#include "providers/protocol/remembered.h"
#include "providers/protocol/service.h"
#include "providers/protocol/workers.h"

namespace gitopsd::protocol {

class Session {
 public:
  Session(Service& service, Fd in, Fd out);
  ~Session();
  /// Until shutdown, end of file or `stop`; returns the exit status.
  int run(int stop);

 private:
  using Answer = Peer::Handlers::Answer;
  using Refuse = Peer::Refuse;
  using Flag = std::shared_ptr<std::atomic<bool>>;
  enum class Phase { fresh, initializing, ready };

  // Those of the reader thread; all but on_request, ready and cancel run under the lock.
  void on_request(std::string_view method, const Value& params, Answer answer, const Refuse& refuse);
  bool ready();
  void initialize(const Value& params, Answer answer, Refuse refuse);
  void cancel(const Value& params, const Answer& answer);
  void shutdown(Answer answer);
  void start(std::string method, Value params, Answer answer, Refuse refuse);
  Value dispatch(const std::string& method, const Value& params, CallContext& context);
  Flag open_call(const std::string& sync);
  void close_call(const std::string& sync, const Flag& flag);
  void cancel_all();
  void wake();

  Service& service_;
  Fd ended_;  // eventfd
  std::mutex mutex_;
  Phase phase_ = Phase::fresh;
  bool stopping_ = false;
  std::string broken_;  // why, empty at a plain end
  Answer shutdown_answer_;
  std::multimap<std::string, Flag> calls_;  // by sync; those without one under ""
  BlobSlots slots_;
  DocumentMemory documents_;
  std::shared_ptr<class PeerNotifier> notifier_;
  std::unique_ptr<Peer> peer_;
  Workers workers_;  // last: ends first
};

}  // namespace gitopsd::protocol
