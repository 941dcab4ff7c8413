// The provider's side: implement Service and hand it to run_provider; framing, negotiation, threads,
// cancelling and blobs are done here.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/file.h"
#include "providers/protocol/messages.h"

namespace gitopsd::protocol {

/// Reads the blobs that an open call's documents name. Thread-safe.
class BlobReader {
 public:
  using Sink = std::function<void(std::string_view)>;
  virtual ~BlobReader() = default;
  /// Hands the bytes to `sink` in order. Returns only when size and SHA-256 of the whole were right: use
  /// nothing before. Throws Failure: destination for wrong bytes, transient when cancelled or the daemon is
  /// gone.
  virtual void copy(const Blob&, const Sink& sink) = 0;
  /// The whole blob, refused (cause input) beyond `limit` bytes.
  std::string read(const Blob&, std::size_t limit);
};

/// Hints to the daemon. Never blocks; lost when the stream has ended.
class Notifier {
 public:
  virtual ~Notifier() = default;
  virtual void changed(const Changed&) = 0;
  virtual void context(const ContextChanged&) = 0;
  virtual void condition(const Condition&) = 0;
  virtual void identified(const Identified&) = 0;
};

/// What one call may use while it runs.
struct CallContext {
  BlobReader& blobs;
  std::function<bool()> cancelled;  ///< true: begin no new step; one that has begun ends or undoes itself
  Deadline deadline;
};
using ProgressSink = std::function<void(const Progress&)>;

/// To throw from `initialize`: all that is wrong with the settings, each with a pointer into them.
class SettingsRefused : public Failure {
 public:
  explicit SettingsRefused(std::vector<WireProblem>);
  const std::vector<WireProblem>& all() const { return all_; }

 private:
  std::vector<WireProblem> all_;
};

/// One provider. Calls come from several threads at once, but never before `initialize` returned. Throwing
/// Failure answers an error with its cause.
class Service {
 public:
  virtual ~Service() = default;
  /// `protocol` of the result is filled in by the caller.
  virtual InitializeResult initialize(const InitializeRequest&, std::shared_ptr<Notifier>) = 0;
  virtual ResolveResult resolve(const ResolveRequest&, CallContext&) = 0;
  virtual PlanResult plan(const PlanRequest&, CallContext&) = 0;
  /// `progress` must be told the begin and the end of every step, the end at once and with its receipt.
  virtual ApplyResult apply(const ApplyRequest&, CallContext&, const ProgressSink& progress) = 0;
  virtual ObserveResult observe(const ObserveRequest&, CallContext&) = 0;
  virtual ListResult list(const ListRequest&, CallContext&) = 0;
  virtual void discard(const DiscardRequest&, CallContext&) {}
  /// After the call's `cancelled` became true, to wake what waits. Runs on the reader thread: no blocking.
  virtual void cancel(const std::string& /*sync*/) {}
  /// No call is open any more and none will come.
  virtual void shutdown() {}
};

/// Serves one stream until shutdown, end of file, or `stop` (a descriptor) becomes readable; open calls are
/// cancelled and waited for. Returns the exit status: 0, or 1 when the stream broke.
int serve(Service&, Fd in, Fd out, int stop = -1);

using ServiceFactory = std::function<std::unique_ptr<Service>()>;
struct RunOptions {
  std::optional<uid_t> allowed_peer;  ///< of a socket handed over by systemd; needed there
};

/// main() of a provider: serves standard input and output, or the socket that systemd handed over
/// (LISTEN_FDS). A new connection of the allowed user ends the one before it. SIGTERM and SIGINT stop it
/// between steps.
int run_provider(const ServiceFactory&, const RunOptions&);

}  // namespace gitopsd::protocol
