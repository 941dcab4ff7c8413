// The store on SQLite. Its calls are implemented in the files named after their concept.
#pragma once

#include <functional>

#include "base/log.h"
#include "daemon/store/identity.h"
#include "daemon/store/options.h"
#include "daemon/store/readers.h"
#include "daemon/store/writer.h"

namespace gitopsd::store {

/// As open_sqlite() of store.h, for tests.
std::unique_ptr<Store> open_sqlite(const std::string& directory, const Clock& clock, const Options& options);

class SqliteStore final : public Store {
 public:
  SqliteStore(Fd lock, std::string path, const Options& options, Identity identity,
              std::unique_ptr<Connection> writer, const Clock& clock);

  std::string installation() const override { return identity_.installation; }
  std::string_view digest_key() const override { return identity_.key.reveal(); }

  void accept(Delivery delivery, AcceptCallback done) override;
  void accept_all(std::vector<Delivery> deliveries, AcceptAllCallback done) override;
  EventId add_event(const NewEvent& event) override;
  bool writable() const override { return writer_.writable(); }

  // events.cpp
  std::optional<Event> event(EventId) const override;
  std::vector<Event> events(const EventFilter&) const override;
  std::vector<Event> open_events() const override;
  void set_event(EventId, EventState, std::string reason, std::string error) override;
  void set_events(std::span<const EventId>, EventState, std::string reason, std::string error) override;
  void fail_event(EventId, std::string reason, std::string error,
                  const std::map<ApplicationUid, SyncId>& in) override;
  std::vector<FailedPart> failed_parts(EventId) const override;
  std::optional<Event> succeeded_later(EventId) const override;
  void add_timings(EventId, const Timings&) override;
  int add_attempt(EventId) override;

  // syncs.cpp, succeed.cpp
  SyncId begin_sync(const Sync&) override;
  void set_sync(SyncId, const Transition&) override;
  std::optional<Sync> sync(SyncId) const override;
  std::vector<Sync> syncs(const ApplicationUid&, int limit) const override;
  std::vector<Sync> syncs_since(const ApplicationUid&, SyncId, int limit) const override;
  std::vector<Sync> syncs_of(EventId) const override;
  Heals heals(const ApplicationUid&) const override;
  std::vector<Sync> kept_syncs(const ApplicationUid&) const override;
  std::vector<Sync> open_syncs() const override;
  void succeed(SyncId, const Applied&, const DeclaredChange&,
               const std::map<std::string, std::string>& documents, const Transition&, int keep) override;

  // applications.cpp
  std::optional<ApplicationState> application(const ApplicationUid&) const override;
  std::vector<ApplicationState> applications() const override;
  void configure_application(const Configured&) override;
  void orphan_application(const ApplicationUid&) override;
  void change_destination(const Configured&, const ApplicationUid& orphan,
                          const ApplicationUid& orphan_there) override;
  void quarantine(const ApplicationUid&, const std::string& source_keys) override;
  bool forget_application(const ApplicationUid&) override;
  bool abandon(const ApplicationUid&, std::span<const ResourceId> owned,
               std::span<const std::string> audit) override;

  // declared.cpp
  std::vector<Declared> declared(const ApplicationUid&) const override;
  std::vector<Declared> declared_in(const ApplicationUid&,
                                    const std::vector<std::string>& paths) const override;
  std::optional<Declared> declared_id(const ApplicationUid&, const ResourceId&) const override;
  std::vector<Declared> declared_at(const ApplicationUid&, SyncId sync) const override;
  std::int64_t declared_count(const ApplicationUid&) const override;

  // documents.cpp
  std::optional<std::string> document(const std::string& digest) const override;
  void put_documents(const std::map<std::string, std::string>& documents) override;

  // inventory.cpp
  std::vector<InventoryEntry> inventory(const ApplicationUid&) const override;
  std::vector<InventoryEntry> inventory(const ApplicationUid&, const std::vector<ResourceId>&) const override;
  std::int64_t inventory_count(const ApplicationUid&) const override;
  std::vector<InventoryEntry> unsettled(const ApplicationUid&) const override;
  std::optional<ApplicationUid> owner_of(const DestinationName&, const ResourceId&,
                                         const ApplicationUid& self) const override;
  void intend(const ApplicationUid&, SyncId, std::span<const InventoryEntry>) override;
  void settle(const ApplicationUid&, SyncId, std::span<const Settled>) override;
  void hand_over(const ApplicationUid& from, SyncId, std::span<const Handed>) override;

  // effects.cpp: effect steps and approvals
  void begin_effect(const ApplicationUid&, const Effect&) override;
  void end_effect(const ApplicationUid&, SyncId, const std::string& key) override;
  std::vector<Effect> open_effects(const ApplicationUid&) const override;
  void approve(SyncId, std::string who) override;
  std::optional<std::string> approved_by(SyncId) const override;

  // tips.cpp
  std::optional<CommitId> tip(const RepositoryName&, const Ref&) const override;
  void set_tip(const RepositoryName&, const Ref&, const CommitId&) override;

  // destinations.cpp
  std::optional<KnownDestination> destination(const DestinationName&) const override;
  void set_destination(const DestinationName&, const std::string& identity) override;
  bool owns_at(const DestinationName&) const override;

  // audit.cpp
  void audit(std::string entry) override;
  std::vector<AuditEntry> audit_log(std::int64_t from, int limit) const override;
  std::optional<AuditEntry> audit_head(WallMicros before) const override;
  std::optional<std::int64_t> verify_audit() const override;

  // retain.cpp
  Counts counts() const override;
  bool retain(WallMicros before) override;
  std::string check() const override;

 private:
  /// Runs `f(Connection&)` on a reading connection; what SQLite says becomes a Failure.
  template <class F>
  auto read(F f) const {
    try {
      auto connection = readers_.take();
      return f(*connection);
    } catch (const SqlError& error) {
      throw unreadable(error);
    }
  }
  /// The same in one read transaction, for what takes more than one statement.
  template <class F>
  auto read_consistently(F f) const {
    return read([&](Connection& db) {
      db.run("BEGIN");
      const ReadEnd end(db);
      return f(db);
    });
  }
  /// Ends a read transaction, also where the store is damaged: what led here is the error to tell.
  class ReadEnd {
   public:
    explicit ReadEnd(Connection& db) : db_(db) {}
    ReadEnd(const ReadEnd&) = delete;
    ReadEnd& operator=(const ReadEnd&) = delete;
    ~ReadEnd() {
      try {
        if (db_.in_transaction()) db_.run("ROLLBACK");  // it has written nothing
      } catch (const SqlError&) {
        log::warning("a read of the store did not end as it should");
      }
    }

   private:
    Connection& db_;
  };
  Failure unreadable(const SqlError& error) const;

  const Fd lock_;
  const std::string path_;
  const Identity identity_;
  Writer writer_;
  mutable Readers readers_;
  std::int64_t swept_document_ = 0;  ///< the writer's: where retain() goes on
};

}  // namespace gitopsd::store
