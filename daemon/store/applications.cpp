#include <set>

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

/// All that one has is another's; whose mark is on it stays known.
void move_inventory(Transaction& t, const ApplicationUid& from, const ApplicationUid& to) {
  const auto app = t.application_id(from);
  t.db().run(
      "UPDATE OR IGNORE inventory SET app = ?2,"
      " handed_by = iif(handed_by = '', ?3, iif(handed_by = ?4, '', handed_by)) WHERE app = ?1",
      app, t.application_id(to), std::string_view(from.str()), std::string_view(to.str()));
  t.db().run("DELETE FROM inventory WHERE app = ?", app);
}

void forget(Transaction& t, std::int64_t app) {
  const auto documents = documents_of(t, app);
  t.db().run("DELETE FROM declared WHERE app = ?", app);
  t.db().run("DELETE FROM declared_sets WHERE app = ?", app);
  t.db().run("DELETE FROM effects WHERE app = ?", app);
  drop_unused(t, documents);
  // The row stays, for the history of its syncs.
  t.db().run(
      "UPDATE applications SET forgotten = 1, last_sync = 0, last_succeeded = 0, revision = '', input_key = "
      "'',"
      " source_key = '', quarantined = '', outside = '', orphaned = 0 WHERE id = ?",
      app);
}

bool owns_just(Transaction& t, const ApplicationUid& uid, std::span<const ResourceId> owned) {
  std::set<std::string> left;
  for (const auto& id : owned) left.insert(id.str());
  Query q = t.db().query(
      "SELECT i.res_id FROM applications a JOIN inventory i ON i.app = a.id WHERE a.uid = ? AND NOT "
      "a.forgotten",
      std::string_view(uid.str()));
  while (q.row())
    if (left.erase(q.text(0)) == 0) return false;
  return left.empty();
}

bool owns_something(Transaction& t, const ApplicationUid& uid) {
  Query q = t.db().query(
      "SELECT 1 FROM applications a JOIN inventory i ON i.app = a.id WHERE a.uid = ? AND NOT a.forgotten"
      " LIMIT 1",
      std::string_view(uid.str()));
  return q.row();
}

}  // namespace

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

void SqliteStore::configure_application(const Configured& now) {
  writer_.run([&](Transaction& t) {
    t.db().run(
        "UPDATE applications SET name = ?2, destination = ?3, settings = ?4, orphaned = 0 WHERE id = ?1",
        t.application_id(now.uid), std::string_view(now.name.str()), std::string_view(now.destination.str()),
        std::string_view(now.settings));
  });
}

void SqliteStore::orphan_application(const ApplicationUid& uid) {
  writer_.run([&](Transaction& t) {
    t.db().run("UPDATE applications SET orphaned = 1 WHERE uid = ? AND NOT forgotten",
               std::string_view(uid.str()));
  });
}

void SqliteStore::change_destination(const Configured& now, const ApplicationUid& orphan,
                                     const ApplicationUid& orphan_there) {
  writer_.run([&](Transaction& t) {
    const auto app = t.application_id(now.uid);
    if (owns_something(t, now.uid)) {
      const auto left = t.application_id(orphan);
      t.db().run(
          "UPDATE applications SET name = ?2, destination = o.destination, settings = o.settings,"
          " orphaned = 1 FROM applications o WHERE applications.id = ?1 AND o.id = ?3",
          left, std::string_view(orphan.str()), app);
      move_inventory(t, now.uid, orphan);
    }
    if (owns_something(t, orphan_there)) {
      move_inventory(t, orphan_there, now.uid);
      forget(t, t.application_id(orphan_there));
    }
    t.db().run("DELETE FROM effects WHERE app = ?", app);
    t.db().run(
        "UPDATE applications SET name = ?2, destination = ?3, settings = ?4, orphaned = 0, last_sync = 0,"
        " last_succeeded = 0, revision = '', input_key = '', source_key = '', outside = '' WHERE id = ?1",
        app, std::string_view(now.name.str()), std::string_view(now.destination.str()),
        std::string_view(now.settings));
  });
}

void SqliteStore::quarantine(const ApplicationUid& uid, const std::string& source_keys) {
  writer_.run([&](Transaction& t) {
    t.db().run("UPDATE applications SET quarantined = ?2 WHERE id = ?1", t.application_id(uid),
               std::string_view(source_keys));
  });
}

bool SqliteStore::forget_application(const ApplicationUid& uid) {
  bool forgotten = false;
  writer_.run([&](Transaction& t) {
    if (owns_something(t, uid)) return;
    forget(t, t.application_id(uid));
    forgotten = true;
  });
  return forgotten;
}

bool SqliteStore::abandon(const ApplicationUid& uid, std::span<const ResourceId> owned,
                          std::span<const std::string> audit) {
  bool abandoned = false;
  writer_.run([&](Transaction& t) {
    if (!owns_just(t, uid, owned)) return;
    for (const auto& entry : audit) t.audit(entry);
    const auto app = t.application_id(uid);
    t.db().run("DELETE FROM inventory WHERE app = ?", app);
    forget(t, app);
    abandoned = true;
  });
  return abandoned;
}

}  // namespace gitopsd::store
