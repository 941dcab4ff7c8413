#include "base/problem.h"
#include "daemon/store/sqlite_store.h"

namespace gitopsd::store {

void SqliteStore::begin_effect(const ApplicationUid& uid, const Effect& effect) {
  writer_.run([&](Transaction& t) {
    t.db().run(
        "INSERT INTO effects(app, sync, key, rerun, ended) VALUES(?1, ?2, ?3, ?4, 0)"
        " ON CONFLICT(sync, key) DO UPDATE SET rerun = ?4, ended = 0",
        t.application_id(uid), effect.sync.value, std::string_view(effect.key),
        std::string_view(effect.rerun));
  });
}

void SqliteStore::end_effect(const ApplicationUid& uid, SyncId sync, const std::string& key) {
  writer_.run([&](Transaction& t) {
    t.db().run("UPDATE effects SET ended = 1 WHERE sync = ? AND key = ? AND app = ?", sync.value,
               std::string_view(key), t.application_id(uid));
    if (t.db().changes() > 0) return;
    throw fail(ProblemCause::internal, "sync " + std::to_string(sync.value) + " has begun no effect " + key);
  });
}

std::vector<Store::Effect> SqliteStore::open_effects(const ApplicationUid& uid) const {
  return read([&](Connection& db) {
    std::vector<Effect> out;
    Query q = db.query(
        "SELECT e.sync, e.key, e.rerun FROM applications a JOIN effects e ON e.app = a.id AND e.ended = 0"
        " WHERE a.uid = ? ORDER BY e.sync, e.key",
        std::string_view(uid.str()));
    while (q.row()) out.push_back({SyncId{q.integer(0)}, q.text(1), q.text(2), false});
    return out;
  });
}

void SqliteStore::approve(SyncId sync, std::string who) {
  writer_.run([&](Transaction& t) {
    t.db().run(
        "INSERT INTO approvals(sync, who, at) VALUES(?1, ?2, ?3) ON CONFLICT(sync) DO UPDATE SET who = ?2, "
        "at = ?3",
        sync.value, std::string_view(who), t.now());
  });
}

std::optional<std::string> SqliteStore::approved_by(SyncId sync) const {
  return read([&](Connection& db) -> std::optional<std::string> {
    Query q = db.query("SELECT who FROM approvals WHERE sync = ?", sync.value);
    if (!q.row()) return std::nullopt;
    return q.text(0);
  });
}

}  // namespace gitopsd::store
