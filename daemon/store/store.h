// The store: the only truth about events, syncs and inventory. Everything else in memory is an index over it.
//
// Writes are durable when the call returns (or its callback runs): one writer thread owns the connection and
// commits whatever has gathered in one transaction. Reads use connections of their own and see the last
// commit. All calls are thread-safe. An I/O error of a write is fatal to intake: `writable()` turns false for
// good, and every later write throws Failure (cause destination).
#pragma once

#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/types.h"
#include "base/value.h"

namespace gitopsd::store {

enum class Cause { push, poll, redelivery, replay, rollback, context, manual };
enum class EventState { queued, running, held, succeeded, failed, superseded, ignored, cancelled };
enum class SyncState { queued, running, held, waiting_health, succeeded, failed, superseded, cancelled };
std::string_view to_string(Cause);
std::string_view to_string(EventState);
std::string_view to_string(SyncState);
std::optional<EventState> event_state(std::string_view);
inline bool ended(EventState s) {
  return s >= EventState::succeeded;
}
inline bool ended(SyncState s) {
  return s >= SyncState::succeeded;
}

/// Times of the stages of an event or sync, wall clock, 0 where not reached.
struct Timings {
  WallMicros received = 0, stored = 0, fetched = 0, rendered = 0, planned = 0, applied = 0, healthy = 0;
};

struct NewEvent {
  Cause cause = Cause::push;
  RepositoryName repository;
  Ref ref;
  CommitId before, after;
  bool deleted = false;
  bool body_signed = false;    ///< named by a delivery whose proof covers the body
  std::string actor;           ///< who pushed, or which operator asked
  ApplicationUid application;  ///< only for manual, rollback and context events of one application
  std::string note;            ///< for the operator: what a replay replays, where a rollback goes
  WallMicros received = 0;
};

struct Event : NewEvent {
  EventId id;
  HookName hook;  ///< empty unless a delivery brought it
  DeliveryId delivery;
  EventState state = EventState::queued;
  std::string reason;  ///< what it waits for, or why it ended as it did
  std::string error;
  int attempts = 0;
  Timings timings;
};

/// A verified delivery with its push events; stored whole or not at all.
struct Delivery {
  HookName hook;
  DeliveryId id;
  WallMicros received = 0;
  Sha256 digest{};
  std::string headers;  ///< JSON object of the allow-listed ones
  std::vector<NewEvent> events;
};

struct Accepted {
  /// duplicate: the first is on disk and its events have not failed. requeued: a redelivery queued failed
  /// events again.
  enum class Kind { stored, duplicate, requeued };
  Kind kind = Kind::stored;
  std::vector<EventId> events;
};
/// Runs on the writer thread after the commit; must not block. On failure `error` is set and nothing is
/// stored.
using AcceptCallback = std::function<void(Accepted, std::exception_ptr error)>;
struct Answer {
  Accepted accepted;
  std::exception_ptr error;  ///< nothing is stored
};
using AcceptAllCallback = std::function<void(std::vector<Answer>)>;

struct Sync {
  SyncId id;
  EventId event;  ///< none for a heal
  ApplicationUid application;
  std::string kind;  ///< "sync", "heal", "rollback", "delete"
  CommitId revision;
  std::string input_key;   ///< hex; see InputKey in daemon/sync
  std::string source_key;  ///< hex; its half that comes from the repository
  std::string documents;   ///< which document set: the sync id whose rows `declared_at` names, for rollback
  SyncState state = SyncState::queued;
  std::string reason;  ///< what it waits for, or why it ended as it did
  std::string error;
  std::string plan;  ///< JSON of the steps as planned: what is shown, approved and audited
  int created = 0, updated = 0, deleted = 0, unchanged = 0;
  WallMicros started = 0, ended = 0;
  Timings timings;
};

/// What the store keeps of a resource that an application declares, as of its last succeeded sync.
struct Declared {
  ResourceId id;
  std::string digest;    ///< hex HMAC of the document
  std::string path;      ///< file in the repository
  int index = 0;         ///< document in that file, from 0
  std::string resource;  ///< JSON: kind, name, requires, options, sensitive, needs [[path, blob or tree id]]

  bool operator==(const Declared&) const = default;
};

struct InventoryEntry {
  ResourceId id;
  // Owned: proven at the destination. Empty digest: nothing is owned yet.
  std::string owned_digest;
  std::string receipt;  ///< the provider's, opaque, at most 1 KiB
  // Intended: written before the change is begun. sync 0: none is open.
  SyncId intended_sync;
  std::string intended_digest;  ///< empty with an open intent means "delete"
  std::string resource;         ///< JSON as in Declared: what prune needs when the snapshot no longer has it
  SyncId changed_by;            ///< the last sync that touched the entry
  // Of an entry that another application handed over.
  ApplicationUid from{};  ///< whose mark is on it until this application has written its own
  CommitId handed_at{};   ///< at which this application was seen to declare it
};

/// How a sync's declared set changes that of the last succeeded one.
struct DeclaredChange {
  std::vector<Declared> put;
  std::vector<ResourceId> removed;
};

struct AuditEntry {
  std::int64_t sequence = 0;
  WallMicros when = 0;
  std::string entry;  ///< JSON: who, what, application, resource, event, delivery, commit, digests
  std::string hash;   ///< hex SHA-256 over the previous hash and this entry
};

/// Durable facts about one application beside its inventory.
struct ApplicationState {
  ApplicationUid uid;
  ApplicationName name;  ///< as last configured
  DestinationName destination;
  SyncId last_sync;  ///< that began
  SyncId last_succeeded;
  CommitId revision;                  ///< of last_succeeded
  std::string input_key, source_key;  ///< of last_succeeded
  std::string quarantined;            ///< source key that a rollback holds off; empty: none
  std::string outside;                ///< JSON [[path, blob or tree id]] read outside the application's path
  std::string settings;   ///< JSON {policy, defaults, repository} as last configured: what a cascade needs
  bool orphaned = false;  ///< left the configuration with an inventory
};

/// What the configuration says of an application and outlives it there.
struct Configured {
  ApplicationUid uid;
  ApplicationName name;
  DestinationName destination;
  std::string settings;  ///< as in ApplicationState
};

/// Which destination a name stands for, as its provider tells.
struct KnownDestination {
  std::string identity;
  WallMicros since = 0;
};

/// What a succeeded sync brought an application to.
struct Applied {
  ApplicationUid uid;
  CommitId revision;
  std::string input_key, source_key, outside;  ///< as in ApplicationState
};

struct Transition {
  SyncState state;
  std::string reason, error;
  std::optional<std::string> plan;
  std::optional<Timings> timings;
  int created = 0, updated = 0, deleted = 0, unchanged = 0;
};

/// An application in which an event failed, and what came of it.
struct FailedPart {
  ApplicationUid application;
  SyncId right{};        ///< the first sync after it that succeeded; none: it has not come right
  WallMicros since = 0;  ///< when that one ended
  CommitId revision{};   ///< which it brought
};

struct EventFilter {
  std::optional<EventState> state{};
  RepositoryName repository{};
  WallMicros since = 0;
  EventId before{};  ///< older than this one, for paging
  int limit = 50;
};

class Store {
 public:
  virtual ~Store() = default;

  // Identity, made once.
  virtual std::string installation() const = 0;     ///< UUID of this installation
  virtual std::string_view digest_key() const = 0;  ///< 32 bytes; keys the HMACs of documents

  // Intake.
  virtual void accept(Delivery delivery, AcceptCallback done) = 0;
  /// The same for all that came at once: one hand-over, one answer, in the order given. Each is stored, or
  /// not, for itself. By default made of accept().
  virtual void accept_all(std::vector<Delivery> deliveries, AcceptAllCallback done);
  virtual EventId add_event(const NewEvent& event) = 0;
  virtual bool writable() const = 0;

  // Events.
  virtual std::optional<Event> event(EventId) const = 0;
  virtual std::vector<Event> events(const EventFilter&) const = 0;  ///< newest first
  virtual std::vector<Event> open_events() const = 0;               ///< not ended, oldest first
  /// An event that ended stays ended: a state before that is then ignored.
  virtual void set_event(EventId, EventState, std::string reason = {}, std::string error = {}) = 0;
  virtual void set_events(std::span<const EventId>, EventState, std::string reason,
                          std::string error = {}) = 0;
  /// It failed, in these applications: with that sync of each, or after it.
  virtual void fail_event(EventId, std::string reason, std::string error,
                          const std::map<ApplicationUid, SyncId>& in) = 0;
  /// What came of an event that failed, in the order of the applications; none where it failed before it got
  /// to any.
  virtual std::vector<FailedPart> failed_parts(EventId) const = 0;
  /// The first of the next thousand events that names the same commit of the same ref and succeeded.
  virtual std::optional<Event> succeeded_later(EventId) const = 0;
  virtual void add_timings(EventId, const Timings&) = 0;  ///< fills those that are still 0
  virtual int add_attempt(EventId) = 0;                   ///< returns the new count

  // Syncs.
  virtual SyncId begin_sync(const Sync&) = 0;  ///< also moves the application's last_sync
  virtual void set_sync(SyncId, const Transition&) = 0;
  virtual std::optional<Sync> sync(SyncId) const = 0;
  virtual std::vector<Sync> syncs(const ApplicationUid&, int limit) const = 0;  ///< newest first
  /// Those that began after that one and are no heals, of which there may be very many; newest first.
  virtual std::vector<Sync> syncs_since(const ApplicationUid&, SyncId, int limit) const = 0;
  virtual std::vector<Sync> syncs_of(EventId) const = 0;
  struct Heals {
    std::int64_t count = 0;
    std::optional<Sync> last{};
  };
  /// Succeeded heals that ended after the last succeeded sync did: one beside a sync that waits comes before
  /// it.
  virtual Heals heals(const ApplicationUid&) const = 0;
  /// Those whose sets are kept and can be rolled back to, newest first: no heal, no deletion.
  virtual std::vector<Sync> kept_syncs(const ApplicationUid&) const = 0;
  virtual std::vector<Sync> open_syncs() const = 0;

  /// Ends a sync as succeeded: its declared set becomes current, old sets beyond `keep` are forgotten.
  /// `documents`: digest -> bytes (sealed by the caller where they hold a secret) that may not be stored yet.
  virtual void succeed(SyncId, const Applied&, const DeclaredChange&,
                       const std::map<std::string, std::string>& documents, const Transition&, int keep) = 0;

  // Applications and what they declare.
  virtual std::optional<ApplicationState> application(const ApplicationUid&) const = 0;
  virtual std::vector<ApplicationState> applications() const = 0;
  // Each writes what it names and nothing else: a copy that is old by now overwrites nobody's word.
  virtual void configure_application(const Configured&) = 0;   ///< and it is no orphan
  virtual void orphan_application(const ApplicationUid&) = 0;  ///< it left the configuration
  /// It goes elsewhere. What it owns stays, as the orphan's, who has its name; what an orphan has of it
  /// there, where it goes, is its own again. For the rest it begins anew.
  virtual void change_destination(const Configured&, const ApplicationUid& orphan,
                                  const ApplicationUid& orphan_there) = 0;
  virtual void quarantine(const ApplicationUid&, const std::string& source_keys) = 0;  ///< empty: none
  virtual std::vector<Declared> declared(const ApplicationUid&) const = 0;
  virtual std::vector<Declared> declared_in(const ApplicationUid&,
                                            const std::vector<std::string>& paths) const = 0;
  virtual std::optional<Declared> declared_id(const ApplicationUid&, const ResourceId&) const = 0;
  /// The set as it was when `sync` succeeded; that sync must be among the kept ones.
  virtual std::vector<Declared> declared_at(const ApplicationUid&, SyncId sync) const = 0;
  virtual std::int64_t declared_count(const ApplicationUid&) const = 0;
  virtual std::optional<std::string> document(const std::string& digest) const = 0;
  /// Stores documents before a sync ended, so that healing and prune have their bytes whatever happens.
  virtual void put_documents(const std::map<std::string, std::string>& documents) = 0;

  // Inventory.
  virtual std::vector<InventoryEntry> inventory(const ApplicationUid&) const = 0;
  virtual std::vector<InventoryEntry> inventory(const ApplicationUid&,
                                                const std::vector<ResourceId>&) const = 0;
  virtual std::int64_t inventory_count(const ApplicationUid&) const = 0;
  /// Entries with an open intent, handed over and not taken up yet, or touched by a sync after the last
  /// succeeded one.
  virtual std::vector<InventoryEntry> unsettled(const ApplicationUid&) const = 0;
  /// The application that has this resource in its inventory at this destination, if another one than `self`.
  virtual std::optional<ApplicationUid> owner_of(const DestinationName&, const ResourceId&,
                                                 const ApplicationUid& self) const = 0;
  /// Durable before a wave is applied.
  virtual void intend(const ApplicationUid&, SyncId, std::span<const InventoryEntry>) = 0;
  struct Settled {
    ResourceId id;
    bool gone = false;   ///< confirmed absent: the entry leaves
    std::string digest;  ///< new owned digest; empty keeps the old owned half (the step failed or was undone)
    std::string receipt;
    std::string audit;  ///< JSON entry for the audit chain, or empty
  };
  virtual void settle(const ApplicationUid&, SyncId, std::span<const Settled>) = 0;
  struct Handed {
    ResourceId id;
    ApplicationUid to;
    CommitId at;        ///< at which `to` declares it
    std::string audit;  ///< as in Settled
  };
  /// Entries become another application's, all at once: at no moment are they nobody's.
  virtual void hand_over(const ApplicationUid& from, SyncId, std::span<const Handed>) = 0;
  /// After a cascade; false, and nothing is forgotten, while its inventory is not empty.
  virtual bool forget_application(const ApplicationUid&) = 0;
  /// Somebody's word: an orphan is forgotten with what it owns, which stays where it is and is nobody's.
  /// False, and nothing is forgotten, unless that is just these.
  virtual bool abandon(const ApplicationUid&, std::span<const ResourceId> owned,
                       std::span<const std::string> audit) = 0;

  // Effect steps (commands, restarts, hooks): begun before they run.
  struct Effect {
    SyncId sync;
    std::string key;
    std::string rerun;  ///< safe, check, hold; of a hook owed, done, or failed and why
    bool ended = false;
  };
  virtual void begin_effect(const ApplicationUid&, const Effect&) = 0;
  virtual void end_effect(const ApplicationUid&, SyncId, const std::string& key) = 0;
  virtual std::vector<Effect> open_effects(const ApplicationUid&) const = 0;

  // Approvals.
  virtual void approve(SyncId, std::string who) = 0;
  virtual std::optional<std::string> approved_by(SyncId) const = 0;

  // Followed refs: the tip seen last, for polling and for "ahead of what was applied".
  virtual std::optional<CommitId> tip(const RepositoryName&, const Ref&) const = 0;
  virtual void set_tip(const RepositoryName&, const Ref&, const CommitId&) = 0;

  // Destinations.
  virtual std::optional<KnownDestination> destination(const DestinationName&) const = 0;
  /// From now on it is that one; empty: whichever it is. Not while it is already.
  virtual void set_destination(const DestinationName&, const std::string& identity) = 0;
  /// Whether any application has something there, or has begun to.
  virtual bool owns_at(const DestinationName&) const = 0;

  // Audit.
  virtual void audit(std::string entry) = 0;
  virtual std::vector<AuditEntry> audit_log(std::int64_t from, int limit) const = 0;
  /// The newest entry that was recorded before that time.
  virtual std::optional<AuditEntry> audit_head(WallMicros before) const = 0;
  /// Recomputes the chain; the first broken sequence, or nullopt when it holds.
  virtual std::optional<std::int64_t> verify_audit() const = 0;

  struct Counts {
    std::map<std::string, std::int64_t> events_by_state;
    std::int64_t deliveries = 0;
    std::int64_t bytes = 0;  ///< database and WAL
  };
  virtual Counts counts() const = 0;
  /// Deletes what is older than `before` and ended, a bounded batch; true when there may be more.
  virtual bool retain(WallMicros before) = 0;
  /// PRAGMA integrity_check; empty when sound. Slow: for the background.
  virtual std::string check() const = 0;
};

/// Opens or creates DIR/gitopsd.db, migrates the schema, checks header and schema. Throws Failure that says
/// what to do: a newer schema, a file that is no database, no permission. `installation` is what a new one
/// calls itself, a UUID of its own if empty; one that exists must be that.
std::unique_ptr<Store> open_sqlite(const std::string& directory, const Clock& clock = system_clock(),
                                   const std::string& installation = {});

}  // namespace gitopsd::store
