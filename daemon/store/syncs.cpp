#include "daemon/store/syncs.h"

#include "base/problem.h"
#include "daemon/store/sqlite_store.h"

namespace gitopsd::store {
namespace {

#define SYNC_COLUMNS                                                                                   \
  "SELECT s.id, s.state, a.uid, s.event, s.kind, s.revision, s.input_key, s.source_key, s.documents, " \
  "s.reason,"                                                                                          \
  " s.error, s.created, s.updated, s.deleted, s.unchanged, s.started, s.ended, s.received, s.stored,"  \
  " s.fetched, s.rendered, s.planned, s.applied, s.healthy, s.plan"

Sync sync_of(const Query& q) {
  Sync s;
  s.id = SyncId{q.integer(0)};
  s.state = static_cast<SyncState>(q.integer(1));
  s.application = ApplicationUid(q.text(2));
  s.event = EventId{q.integer(3)};
  s.kind = q.text(4);
  s.revision = CommitId::parse(q.bytes(5)).value_or(CommitId());
  s.input_key = q.text(6);
  s.source_key = q.text(7);
  s.documents = q.text(8);
  s.reason = q.text(9);
  s.error = q.text(10);
  s.created = static_cast<int>(q.integer(11));
  s.updated = static_cast<int>(q.integer(12));
  s.deleted = static_cast<int>(q.integer(13));
  s.unchanged = static_cast<int>(q.integer(14));
  s.started = q.integer(15);
  s.ended = q.integer(16);
  s.timings = {q.integer(17), q.integer(18), q.integer(19), q.integer(20),
               q.integer(21), q.integer(22), q.integer(23)};
  s.plan = q.text(24);
  return s;
}

std::vector<Sync> all(Query q) {
  std::vector<Sync> out;
  while (q.row()) out.push_back(sync_of(q));
  return out;
}

}  // namespace

void move_sync(Transaction& t, SyncId id, const Transition& to) {
  const bool over = ended(to.state);
  t.db().run(
      "UPDATE syncs SET state = ?2, reason = ?3, error = ?4, created = ?5, updated = ?6, deleted = ?7,"
      " unchanged = ?8, ended = iif(?9, ?10, 0) WHERE id = ?1",
      id.value, static_cast<int>(to.state), std::string_view(to.reason), std::string_view(to.error),
      to.created, to.updated, to.deleted, to.unchanged, static_cast<int>(over), t.now());
  if (t.db().changes() == 0) {
    throw fail(ProblemCause::internal, "there is no sync " + std::to_string(id.value));
  }
  if (to.plan) t.db().run("UPDATE syncs SET plan = ?2 WHERE id = ?1", id.value, std::string_view(*to.plan));
  if (!to.timings) return;
  const Timings& w = *to.timings;
  t.db().run(
      "UPDATE syncs SET received = ifnull(nullif(?2, 0), received), stored = ifnull(nullif(?3, 0), stored),"
      " fetched = ifnull(nullif(?4, 0), fetched), rendered = ifnull(nullif(?5, 0), rendered),"
      " planned = ifnull(nullif(?6, 0), planned), applied = ifnull(nullif(?7, 0), applied),"
      " healthy = ifnull(nullif(?8, 0), healthy) WHERE id = ?1",
      id.value, w.received, w.stored, w.fetched, w.rendered, w.planned, w.applied, w.healthy);
}

SyncId SqliteStore::begin_sync(const Sync& sync) {
  SyncId id;
  writer_.run([&](Transaction& t) {
    const auto app = t.application_id(sync.application);
    const auto started = sync.started ? sync.started : t.now();
    const Timings& w = sync.timings;
    {
      Query q = t.db().query(
          "INSERT INTO syncs(state, app, event, kind, revision, input_key, source_key, documents, reason, "
          "error,"
          " created, updated, deleted, unchanged, started, ended, received, stored, fetched, rendered, "
          "planned,"
          " applied, healthy, plan)"
          " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
          static_cast<int>(sync.state), app, sync.event.value, std::string_view(sync.kind),
          std::string_view(sync.revision.str()), std::string_view(sync.input_key),
          std::string_view(sync.source_key), std::string_view(sync.documents), std::string_view(sync.reason),
          std::string_view(sync.error), sync.created, sync.updated, sync.deleted, sync.unchanged, started,
          sync.ended, w.received, w.stored, w.fetched, w.rendered, w.planned, w.applied, w.healthy,
          std::string_view(sync.plan));
      q.row();
      id = SyncId{q.integer(0)};
      q.run();
    }
    // A heal changes nothing of what is declared: it must not make the next push look again at everything.
    if (sync.kind != "heal") t.db().run("UPDATE applications SET last_sync = ? WHERE id = ?", id.value, app);
    if (sync.event) begin_event(t, sync.event);
  });
  return id;
}

void SqliteStore::set_sync(SyncId id, const Transition& to) {
  writer_.run([&](Transaction& t) { move_sync(t, id, to); });
}

std::optional<Sync> SqliteStore::sync(SyncId id) const {
  return read([&](Connection& db) -> std::optional<Sync> {
    Query q =
        db.query(SYNC_COLUMNS " FROM syncs s JOIN applications a ON a.id = s.app WHERE s.id = ?", id.value);
    if (!q.row()) return std::nullopt;
    return sync_of(q);
  });
}

std::vector<Sync> SqliteStore::syncs(const ApplicationUid& uid, int limit) const {
  return read([&](Connection& db) {
    return all(db.query(SYNC_COLUMNS
                        " FROM applications a JOIN syncs s INDEXED BY sync_by_app ON s.app = a.id"
                        " WHERE a.uid = ? ORDER BY s.id DESC LIMIT ?",
                        std::string_view(uid.str()), limit));
  });
}

std::vector<Sync> SqliteStore::syncs_since(const ApplicationUid& uid, SyncId after, int limit) const {
  return read([&](Connection& db) {
    return all(
        db.query(SYNC_COLUMNS
                 " FROM applications a JOIN syncs s INDEXED BY sync_by_app ON s.app = a.id AND s.id > ?"
                 " WHERE a.uid = ? AND s.kind <> 'heal' ORDER BY s.id DESC LIMIT ?",
                 after.value, std::string_view(uid.str()), limit));
  });
}

std::vector<Sync> SqliteStore::syncs_of(EventId event) const {
  return read([&](Connection& db) {
    return all(db.query(SYNC_COLUMNS
                        " FROM syncs s INDEXED BY sync_by_event JOIN applications a ON a.id = s.app"
                        " WHERE s.event = ? AND s.event <> 0 ORDER BY s.id",
                        event.value));
  });
}

Store::Heals SqliteStore::heals(const ApplicationUid& uid) const {
  return read_consistently([&](Connection& db) {
    Heals out;
    std::int64_t last = 0;
    {
      Query q = db.query(
          "SELECT count(*), max(s.id) FROM applications a LEFT JOIN syncs l ON l.id = a.last_succeeded"
          " JOIN syncs s INDEXED BY sync_by_app ON s.app = a.id AND s.id > a.last_succeeded"
          " WHERE a.uid = ? AND s.kind = 'heal' AND s.state = ? AND s.ended >= ifnull(l.ended, 0)"
          " AND s.created + s.updated + s.deleted > 0",
          std::string_view(uid.str()), static_cast<int>(SyncState::succeeded));
      if (!q.row()) return out;
      out.count = q.integer(0);
      last = q.integer(1);
    }
    Query q = db.query(SYNC_COLUMNS " FROM syncs s JOIN applications a ON a.id = s.app WHERE s.id = ?", last);
    if (q.row()) out.last = sync_of(q);
    return out;
  });
}

std::vector<Sync> SqliteStore::kept_syncs(const ApplicationUid& uid) const {
  return read([&](Connection& db) {
    return all(
        db.query(SYNC_COLUMNS
                 " FROM applications a JOIN declared_sets v ON v.app = a.id JOIN syncs s ON s.id = v.sync"
                 " WHERE a.uid = ? AND s.kind <> 'delete' ORDER BY v.version DESC",
                 std::string_view(uid.str())));
  });
}

std::vector<Sync> SqliteStore::open_syncs() const {
  return read([&](Connection& db) {
    return all(db.query(SYNC_COLUMNS " FROM syncs s INDEXED BY sync_open JOIN applications a ON a.id = s.app"
                                     " WHERE s.state < 4 ORDER BY s.id"));
  });
}

}  // namespace gitopsd::store
