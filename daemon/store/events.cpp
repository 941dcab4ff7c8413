#include "base/problem.h"
#include "daemon/store/columns.h"
#include "daemon/store/delivery_key.h"
#include "daemon/store/sqlite_store.h"
#include "daemon/store/syncs.h"

namespace gitopsd::store {
namespace {

// Each query names its index or walks the rowid: the planner must not choose a scan of ten million rows.
#define EVENT_COLUMNS                                                                                 \
  "SELECT e.id, e.state, e.delivery, e.cause, r.name, e.ref, e.before, e.after, e.flags, e.attempts," \
  " e.received, e.stored, e.actor, e.application, e.note, e.reason, e.error, e.fetched, e.rendered,"  \
  " e.planned, e.applied, e.healthy, h.name, ifnull(e.key, d.key)"
// The first event of a delivery carries it; only the others look it up.
#define EVENT_JOINS                                        \
  " LEFT JOIN names r ON r.id = e.repository"              \
  " LEFT JOIN events d ON d.id = nullif(e.delivery, e.id)" \
  " LEFT JOIN names h ON h.id = ifnull(e.hook, d.hook)"

Event event_of(const Query& q) {
  Event e;
  e.id = EventId{q.integer(0)};
  e.state = static_cast<EventState>(q.integer(1));
  e.cause = static_cast<Cause>(q.integer(3));
  e.repository = RepositoryName(q.text(4));
  e.ref = Ref::parse(q.bytes(5)).value_or(Ref());
  e.before = commit_of(q.bytes(6));
  e.after = commit_of(q.bytes(7));
  e.deleted = (q.integer(8) & kDeletedFlag) != 0;
  e.body_signed = (q.integer(8) & kBodySignedFlag) != 0;
  e.attempts = static_cast<int>(q.integer(9));
  e.received = q.integer(10);
  e.actor = q.text(12);
  e.application = ApplicationUid(q.text(13));
  e.note = q.text(14);
  e.reason = q.text(15);
  e.error = q.text(16);
  e.timings = {q.integer(10), q.integer(11), q.integer(17), q.integer(18),
               q.integer(19), q.integer(20), q.integer(21)};
  e.hook = HookName(q.text(22));
  if (!q.is_null(23)) e.delivery = delivery_id(q.bytes(23));
  return e;
}

void move_event(Transaction& t, EventId id, EventState to, const std::string& reason,
                const std::string& error) {
  EventState from;
  {
    Query q = t.db().query("SELECT state FROM events WHERE id = ? AND NOT flags & 4", id.value);
    if (!q.row()) throw fail(ProblemCause::internal, "there is no event " + std::to_string(id.value));
    from = static_cast<EventState>(q.integer(0));
  }
  // What ended stays ended: a late word that it waits or runs must not open it again.
  if (ended(from) && !ended(to)) return;
  t.db().run("UPDATE events SET state = ?, reason = ?, error = ? WHERE id = ?", static_cast<int>(to),
             std::string_view(reason), std::string_view(error), id.value);
  t.count(from, -1);
  t.count(to, 1);
}

/// Rows are in the order of receipt, but for what a set clock shuffled: a row this much too old ends a search
/// by time.
constexpr WallMicros kDisorder = 3600LL * 1'000'000;

const char* newest_first(const std::optional<EventState>& state) {
  if (state == EventState::failed) {
    return EVENT_COLUMNS " FROM events e INDEXED BY event_failed" EVENT_JOINS
                         " WHERE e.id < ?1 AND e.state = 4 ORDER BY e.id DESC";
  }
  if (state && !ended(*state)) {
    return EVENT_COLUMNS " FROM events e INDEXED BY event_open" EVENT_JOINS
                         " WHERE e.id < ?1 AND e.state < 3 ORDER BY e.id DESC";
  }
  return EVENT_COLUMNS " FROM events e" EVENT_JOINS " WHERE e.id < ?1 AND NOT e.flags & 4 ORDER BY e.id DESC";
}

}  // namespace

/// From then on who is told that it waits, or is tried again, is told so beside it.
void begin_event(Transaction& t, EventId id) {
  Query q = t.db().query("SELECT state FROM events WHERE id = ?", id.value);
  if (!q.row()) return;
  const auto from = static_cast<EventState>(q.integer(0));
  if (from != EventState::queued) return;
  t.db().run("UPDATE events SET state = ?, reason = '', error = '' WHERE id = ?",
             static_cast<int>(EventState::running), id.value);
  t.count(from, -1);
  t.count(EventState::running, 1);
}

std::optional<Event> SqliteStore::event(EventId id) const {
  return read([&](Connection& db) -> std::optional<Event> {
    Query q =
        db.query(EVENT_COLUMNS " FROM events e" EVENT_JOINS " WHERE e.id = ? AND NOT e.flags & 4", id.value);
    if (!q.row()) return std::nullopt;
    return event_of(q);
  });
}

std::vector<Event> SqliteStore::events(const EventFilter& filter) const {
  return read([&](Connection& db) {
    std::vector<Event> out;
    const std::int64_t before = filter.before ? filter.before.value : INT64_MAX;
    const bool indexed = filter.state && (!ended(*filter.state) || filter.state == EventState::failed);
    Query q = db.query(newest_first(filter.state), before);
    while (static_cast<int>(out.size()) < filter.limit && q.row()) {
      const WallMicros received = q.integer(10);
      if (received < filter.since - kDisorder && !indexed) break;
      if (received < filter.since) continue;
      if (filter.state && static_cast<EventState>(q.integer(1)) != *filter.state) continue;
      if (!filter.repository.empty() && q.bytes(4) != filter.repository.str()) continue;
      out.push_back(event_of(q));
    }
    return out;
  });
}

std::vector<Event> SqliteStore::open_events() const {
  return read([&](Connection& db) {
    std::vector<Event> out;
    Query q = db.query(EVENT_COLUMNS " FROM events e INDEXED BY event_open" EVENT_JOINS
                                     " WHERE e.state < 3 ORDER BY e.id");
    while (q.row()) out.push_back(event_of(q));
    return out;
  });
}

void SqliteStore::set_event(EventId id, EventState state, std::string reason, std::string error) {
  writer_.run([&](Transaction& t) { move_event(t, id, state, reason, error); });
}

void SqliteStore::set_events(std::span<const EventId> ids, EventState state, std::string reason,
                             std::string error) {
  if (ids.empty()) return;
  writer_.run([&](Transaction& t) {
    for (EventId id : ids) move_event(t, id, state, reason, error);
  });
}

void SqliteStore::fail_event(EventId id, std::string reason, std::string error,
                             const std::map<ApplicationUid, SyncId>& in) {
  writer_.run([&](Transaction& t) {
    move_event(t, id, EventState::failed, reason, error);
    t.db().run("DELETE FROM failures WHERE event = ?", id.value);  // of before a redelivery
    for (const auto& [uid, sync] : in)
      t.db().run("INSERT INTO failures(event, app, sync) SELECT ?, id, ? FROM applications WHERE uid = ?",
                 id.value, sync.value, std::string_view(uid.str()));
  });
}

std::vector<FailedPart> SqliteStore::failed_parts(EventId id) const {
  return read([&](Connection& db) {
    std::vector<FailedPart> out;
    // A rollback is no way in which a commit comes right.
    Query q = db.query(
        "SELECT a.uid, s.id, s.ended, s.revision FROM failures f JOIN applications a ON a.id = f.app"
        " LEFT JOIN syncs s ON a.last_succeeded > f.sync AND s.id ="
        " (SELECT n.id FROM syncs n INDEXED BY sync_by_app WHERE n.app = f.app AND n.id > f.sync AND n.state "
        "= ?"
        "  AND n.kind IN ('sync', (SELECT kind FROM syncs WHERE id = f.sync)) ORDER BY n.id LIMIT 1)"
        " WHERE f.event = ? ORDER BY a.uid",
        static_cast<int>(SyncState::succeeded), id.value);
    while (q.row())
      out.push_back({ApplicationUid(q.text(0)), SyncId{q.integer(1)}, q.integer(2),
                     CommitId::parse(q.bytes(3)).value_or(CommitId())});
    return out;
  });
}

std::optional<Event> SqliteStore::succeeded_later(EventId id) const {
  return read([&](Connection& db) -> std::optional<Event> {
    Query q = db.query(EVENT_COLUMNS
                       " FROM events f JOIN (SELECT * FROM events WHERE id > ?1 ORDER BY id LIMIT 1000) e"
                       " ON e.repository = f.repository AND e.ref = f.ref AND e.after = f.after" EVENT_JOINS
                       " WHERE f.id = ?1 AND e.state = ?2 AND NOT e.flags & 4 ORDER BY e.id LIMIT 1",
                       id.value, static_cast<int>(EventState::succeeded));
    if (!q.row()) return std::nullopt;
    return event_of(q);
  });
}

void SqliteStore::add_timings(EventId id, const Timings& timings) {
  writer_.run([&](Transaction& t) {
    t.db().run(
        "UPDATE events SET fetched = ifnull(nullif(fetched, 0), ?2), rendered = ifnull(nullif(rendered, 0), "
        "?3),"
        " planned = ifnull(nullif(planned, 0), ?4), applied = ifnull(nullif(applied, 0), ?5),"
        " healthy = ifnull(nullif(healthy, 0), ?6) WHERE id = ?1",
        id.value, timings.fetched, timings.rendered, timings.planned, timings.applied, timings.healthy);
    if (t.db().changes() == 0) {
      throw fail(ProblemCause::internal, "there is no event " + std::to_string(id.value));
    }
  });
}

int SqliteStore::add_attempt(EventId id) {
  int attempts = 0;
  writer_.run([&](Transaction& t) {
    Query q =
        t.db().query("UPDATE events SET attempts = attempts + 1 WHERE id = ? RETURNING attempts", id.value);
    if (!q.row()) throw fail(ProblemCause::internal, "there is no event " + std::to_string(id.value));
    attempts = static_cast<int>(q.integer(0));
    q.run();
  });
  return attempts;
}

}  // namespace gitopsd::store
