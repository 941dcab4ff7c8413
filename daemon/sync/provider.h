// The daemon's side of one destination's provider: connects or starts it, speaks the protocol, restarts it
// when it died, and bounds every call in time.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "config/config.h"
#include "daemon/sync/conditions.h"
#include "providers/protocol/messages.h"

namespace gitopsd::sync {

/// Gives the bytes of blobs that open calls refer to.
class BlobSource {
 public:
  virtual ~BlobSource() = default;
  /// Throws Failure for an unknown digest.
  virtual protocol::BlobChunk read(const std::string& digest, std::uint64_t offset, std::uint64_t length) = 0;
};

/// Thread-safe. Every call throws Failure: transient when the provider died, hung or could not be reached (it
/// is started again at the next call, with back-off), destination or internal when it answered nonsense.
class Provider {
 public:
  struct Events {
    std::function<void(const protocol::Changed&)> changed;
    std::function<void(const std::string& render_context_digest)> context;
    std::function<void()> condition;  ///< `conditions()` are others
    /// Which destination is meant; empty: whichever it is. Both may block, and throw Failure.
    std::function<std::string()> meant{};
    /// It is this one (empty: that cannot be told). What to say of it where it is not the one that is meant:
    /// then nothing is done there.
    std::function<std::optional<protocol::Condition>(const std::string& identity)> judge{};
    std::function<void(const protocol::InitializeResult&)> started{};
  };
  virtual ~Provider() = default;
  virtual const DestinationName& destination() const = 0;
  /// Of the current connection; connects where there is none. What is wrong with its settings has cause input
  /// here; every other call waits for that to be mended, like for a provider that died.
  virtual protocol::InitializeResult info() = 0;
  /// The same as `info().render_context_digest`, without copying the rest.
  virtual std::string render_context_digest() = 0;
  virtual bool connected() const = 0;
  /// Why it could not be started or connected to at the last attempt; empty when connected. Never blocks.
  virtual std::string trouble() const { return {}; }
  /// Since when it is not connected; 0 when it is. Never blocks.
  virtual WallMicros down_since() const { return 0; }
  /// What it says of the destination now; nothing while it is not connected. Never blocks.
  virtual std::vector<ToldCondition> conditions() const { return {}; }
  /// Which destination it is, as the connection told: nothing, where it has not yet, or is none. Never
  /// blocks.
  virtual std::optional<std::string> identity() const { return std::nullopt; }
  /// Begins anew, as after `meant` has changed.
  virtual void reconnect() {}
  /// Grows by one at each start; tells whether watches must be set up again.
  virtual std::uint64_t generation() const = 0;

  virtual protocol::ResolveResult resolve(const protocol::ResolveRequest&, BlobSource*, Deadline) = 0;
  virtual protocol::PlanResult plan(const protocol::PlanRequest&, BlobSource*, Deadline) = 0;
  /// Throws away what a plan left at the destination, by its token.
  virtual void discard(const std::string& /*token*/, Deadline) {}
  virtual protocol::ApplyResult apply(const protocol::ApplyRequest&, BlobSource*,
                                      std::function<void(const protocol::Progress&)>, Deadline) = 0;
  virtual protocol::ObserveResult observe(const protocol::ObserveRequest&, BlobSource*, Deadline) = 0;
  virtual protocol::ListResult list(const protocol::ListRequest&, Deadline) = 0;
  virtual void cancel(const std::string& sync) = 0;
  /// Asks it to finish and waits until it ended or the deadline passed, then ends it.
  virtual void shutdown(Deadline) = 0;
};

inline constexpr std::string_view kProviderPrefix = "gitopsd-provider-";
/// The program of a destination's provider: its own command, or the one of that name in the directory.
std::string provider_program(const config::Destination&, const std::string& program_directory);

/// `program_directory`: where gitopsd-provider-NAME is looked for. `state_directory`: the daemon's; each
/// child gets a folder of its own below it.
std::unique_ptr<Provider> open_provider(const config::Destination&, const std::string& installation,
                                        const std::string& program_directory,
                                        const std::string& state_directory, Provider::Events);

}  // namespace gitopsd::sync
