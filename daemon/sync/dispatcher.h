// Decides what runs when: one sync at a time per application, many applications at once. The queue in memory
// is an index over the store and is rebuilt at start; the store alone is true.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "config/config.h"
#include "daemon/store/store.h"
#include "daemon/sync/provider.h"
#include "providers/protocol/messages.h"

namespace gitopsd::sync {

/// What an application is doing, for people.
enum class Phase { idle, queued, fetching, rendering, planning, held, applying, waiting_health, backing_off };
/// Unknown wherever a comparison could not be made: never Synced then (promise 8).
enum class SyncStatus { unknown, synced, out_of_sync, source_missing, contested, not_converging };
std::string_view to_string(Phase);
std::string_view to_string(SyncStatus);

/// What people should know of a destination, although it can be reached.
struct ConditionStatus {
  std::string message, hint;
  WallMicros since = 0;
  std::vector<ApplicationName> applications{};  ///< whom it concerns; none: all of the destination
};

/// A resource that somebody else keeps changing.
struct ContestedStatus {
  ResourceId id;
  std::string by, at;    ///< who changed it last, and when, as far as the destination tells
  int heals = 0;         ///< how often it was put back
  WallMicros until = 0;  ///< it is not put back before
};

/// A resource of which the same change comes back each time after it succeeded.
struct StuckStatus {
  ResourceId id;
  int returns = 0;
};

/// Which commit is applied but for what is left out of it.
struct InPartStatus {
  CommitId revision;
  SyncId sync;
  std::int64_t left_out = 0;  ///< documents, or files that cannot be read
};

/// The first of them, and how many there are.
template <class T>
struct Told {
  std::size_t count = 0;
  std::vector<T> first{};
};

struct ApplicationStatus {
  ApplicationName name;
  ApplicationUid uid;
  DestinationName destination;
  RepositoryName repository;
  std::string ref;
  CommitId revision;         ///< the newest that it is known to be in accord with
  CommitId synced_revision;  ///< of the last succeeded sync; older than `revision` where that changes nothing
  CommitId wanted;           ///< what the running or held sync would bring; empty when idle
  Phase phase = Phase::idle;
  SyncStatus status = SyncStatus::unknown;
  protocol::Health health = protocol::Health::unknown;
  std::string waits_for;       ///< what it waits for, or empty
  std::string released_by;     ///< what releases it: a command line or an event
  std::string error;           ///< of the last sync or its last attempt, if that failed and none runs since
  std::string error_before{};  ///< of the attempt before the one that runs
  int attempt = 0;             ///< which one of the sync under way runs, waits or comes next; 0: none is
  SyncId sync;                 ///< running, held or last; no heal
  bool suspended = false, quarantined = false, orphaned = false;
  WallMicros since = 0;                       ///< start of the phase
  std::int64_t resources = 0;                 ///< in the inventory
  std::vector<ConditionStatus> conditions{};  ///< of its destination that concern it
  Told<ContestedStatus> contested{};
  Told<StuckStatus> not_converging{};
  std::optional<InPartStatus> in_part{};  ///< newer than the last succeeded sync, where there is one
};

struct PlanView {
  SyncId held;  ///< the held sync whose stored plan this is, if any
  CommitId revision;
  std::vector<protocol::Step> steps;
  std::string hold;           ///< why a sync of it would be held, or empty
  std::string kept_off{};     ///< why it is not synced by itself, or empty: it was rejected, rolled back, ...
  std::string released_by{};  ///< what lets it through, where it is held or kept off
  std::vector<std::string> left_out{};  ///< what is wrong with what it is without, a line each
};

/// What was left behind.
struct Forgotten {
  DestinationName destination;
  std::int64_t resources = 0;
};

/// One line of progress of a running sync or of a fetch.
struct ProgressLine {
  WallMicros when = 0;
  ApplicationUid application;  ///< empty for a repository's fetch
  RepositoryName repository;
  EventId event;
  SyncId sync;
  std::string stage;  ///< fetched, rendered, planned, held, applying, step, waiting, ended
  std::string text;
  std::vector<EventId> along = {};  ///< events that go along: this is told to those who follow them, too
};

struct RepositoryStatus {
  RepositoryName name;
  std::string url;
  WallMicros last_look = 0;  ///< successful poll or fetch, 0 never
  std::string error;         ///< of the last look, if it failed
};

struct DestinationStatus {
  DestinationName name;
  std::string provider;
  bool connected = false;
  std::uint64_t starts = 0;
  std::string error{};     ///< why it is not connected or reachable, where that is known
  bool reachable = false;  ///< its provider is connected, and says nothing else
  WallMicros since = 0;    ///< of not being connected or reachable
  std::vector<ConditionStatus> conditions{};
  std::string identity{};  ///< which one it is, as its provider tells; empty where that is not known
};

struct Metrics {
  std::int64_t syncs_succeeded = 0, syncs_failed = 0, syncs_superseded = 0, heals = 0, fetches = 0,
               fetch_failures = 0;
};

class Dispatcher {
 public:
  virtual ~Dispatcher() = default;
  virtual void start() = 0;
  /// New events are on disk. From any thread, never blocks.
  virtual void notify(const std::vector<EventId>&) = 0;
  /// A sync that runs keeps the snapshot it started with.
  virtual void reload(config::Snapshot) = 0;
  /// Takes nothing new, lets steps that have begun end until the deadline, then cuts off. Nothing is lost.
  virtual void stop(Deadline) = 0;

  // The operator's actions; each throws Failure (cause input) that names what does not exist or does not fit.
  // `who` is the user's name; it goes to history and audit.
  virtual EventId replay(EventId, const std::string& who) = 0;
  virtual EventId sync_now(const ApplicationName&, const std::string& who) = 0;
  /// Plans the ref's tip (or the given revision) against the live state; changes nothing. Blocks.
  virtual PlanView plan(const ApplicationName&, const std::optional<CommitId>&) = 0;
  /// The commit whose id begins so, in the application's repository. `known`: no forge is asked for it.
  virtual CommitId commit_named(const ApplicationName&, const std::string& prefix, bool known) = 0;
  /// Both of the sync that waits for approval, and only if it is `looked_at`, where that is given; else
  /// Failure (cause conflict) says which one waits now.
  virtual SyncId approve(const ApplicationName&, const std::optional<SyncId>& looked_at,
                         const std::string& who) = 0;
  virtual SyncId reject(const ApplicationName&, const std::optional<SyncId>& looked_at,
                        const std::string& who) = 0;
  /// To what was in force at `to`, a commit of the ref. Without it: to the revision before the one in force,
  /// or to that one where a newer went half-way.
  virtual EventId rollback(const ApplicationName&, const std::optional<CommitId>& to,
                           const std::string& who) = 0;
  virtual void resume(const ApplicationName&, const std::string& who) = 0;
  virtual EventId delete_cascade(const ApplicationName&, const std::string& who) = 0;
  /// An orphan is listed no more. What it owns stays at its destination, which is not asked, and is nobody's.
  virtual Forgotten forget(const ApplicationName&, const std::string& who) = 0;
  /// Of a destination that is another than it was: it is the one that is meant from now on. Only if it is
  /// `looked_at`, where that is given.
  virtual void accept_destination(const DestinationName&, const std::optional<std::string>& looked_at,
                                  const std::string& who) = 0;

  virtual std::vector<ApplicationStatus> status() const = 0;
  virtual std::vector<RepositoryStatus> repositories() const = 0;
  virtual std::vector<DestinationStatus> destinations() const = 0;
  virtual Metrics metrics() const = 0;
  /// Seconds from receipt to each stage of events that ended since the last call, for histograms.
  virtual std::vector<store::Timings> take_timings() = 0;

  /// `line` runs on whichever thread makes progress and must not block; returns a token for `unsubscribe`.
  virtual int subscribe(std::function<void(const ProgressLine&)> line) = 0;
  virtual void unsubscribe(int token) = 0;
};

struct Environment {
  config::Snapshot config;
  store::Store* store = nullptr;
  const Clock* clock = &system_clock();
  std::string program_directory;  ///< where providers are
  std::string state_directory;
  std::string render_program;  ///< gitopsd-render, in which kustomize and Helm run
  /// Before a commit is asked for again that the repository does not give out yet; doubles, five times.
  std::chrono::milliseconds missing_delay{300};
  int workers = 64;  ///< syncs that work at once, at most eight of a destination; waiting for health or
                     ///< approval counts not
  /// Opens a destination's provider; by default open_provider() of provider.h.
  std::function<std::unique_ptr<Provider>(const config::Destination&, Provider::Events)> open_provider{};
};

std::unique_ptr<Dispatcher> make_dispatcher(Environment);

}  // namespace gitopsd::sync
