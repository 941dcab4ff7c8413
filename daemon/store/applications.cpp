#include "daemon/store/applications.h"

#include "daemon/store/documents.h"
#include "daemon/store/sqlite_store.h"

namespace gitopsd::store {
namespace {

#define APPLICATION_COLUMNS                                                                                 \
  "SELECT uid, name, destination, last_sync, last_succeeded, revision, input_key, source_key, quarantined," \
  " outside, orphaned, settings FROM applications"

ApplicationState state_of(const Query& q) {
  ApplicationState a;
  a.uid = ApplicationUid(q.text(0));
  a.name = ApplicationName(q.text(1));
  a.destination = DestinationName(q.text(2));
  a.last_sync = SyncId{q.integer(3)};
  a.last_succeeded = SyncId{q.integer(4)};
  a.revision = CommitId::parse(q.bytes(5)).value_or(CommitId());
  a.input_key = q.text(6);
  a.source_key = q.text(7);
  a.quarantined = q.text(8);
  a.outside = q.text(9);
  a.orphaned = q.integer(10) != 0;
  a.settings = q.text(11);
  return a;
}

}  // namespace

std::int64_t write_application(Transaction& t, const ApplicationState& state) {
  const auto app = t.application_id(state.uid);
  t.db().run(
      "UPDATE applications SET name = ?2, destination = ?3, revision = ?4, input_key = ?5, source_key = ?6,"
      " quarantined = ?7, outside = ?8, orphaned = ?9, settings = ?10 WHERE id = ?1",
      app, std::string_view(state.name.str()), std::string_view(state.destination.str()),
      std::string_view(state.revision.str()), std::string_view(state.input_key),
      std::string_view(state.source_key), std::string_view(state.quarantined),
      std::string_view(state.outside), static_cast<int>(state.orphaned), std::string_view(state.settings));
  return app;
}

std::optional<ApplicationState> SqliteStore::application(const ApplicationUid& uid) const {
  return read([&](Connection& db) -> std::optional<ApplicationState> {
    Query q = db.query(APPLICATION_COLUMNS " WHERE uid = ? AND NOT forgotten", std::string_view(uid.str()));
    if (!q.row()) return std::nullopt;
    return state_of(q);
  });
}

std::vector<ApplicationState> SqliteStore::applications() const {
  return read([&](Connection& db) {
    std::vector<ApplicationState> out;
    Query q = db.query(APPLICATION_COLUMNS " WHERE NOT forgotten ORDER BY uid");
    while (q.row()) out.push_back(state_of(q));
    return out;
  });
}

void SqliteStore::put_application(const ApplicationState& state) {
  writer_.run([&](Transaction& t) { write_application(t, state); });
}

void SqliteStore::forget_application(const ApplicationUid& uid) {
  writer_.run([&](Transaction& t) {
    const auto app = t.application_id(uid);
    const auto documents = documents_of(t, app);
    t.db().run("DELETE FROM inventory WHERE app = ?", app);
    t.db().run("DELETE FROM declared WHERE app = ?", app);
    t.db().run("DELETE FROM declared_sets WHERE app = ?", app);
    t.db().run("DELETE FROM effects WHERE app = ?", app);
    drop_unused(t, documents);
    // The row stays, for the history of its syncs.
    t.db().run(
        "UPDATE applications SET forgotten = 1, last_sync = 0, last_succeeded = 0, revision = '', input_key "
        "= '',"
        " source_key = '', quarantined = '', outside = '', orphaned = 0 WHERE id = ?",
        app);
  });
}

}  // namespace gitopsd::store
