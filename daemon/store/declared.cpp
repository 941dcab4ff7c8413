#include "base/problem.h"
#include "daemon/store/columns.h"
#include "daemon/store/sqlite_store.h"

namespace gitopsd::store {
namespace {

#define DECLARED_COLUMNS "SELECT d.res_id, d.digest, d.path, d.position, d.resource"
#define DECLARED_NOW \
  " FROM applications a JOIN declared d ON d.app = a.id AND d.until IS NULL WHERE a.uid = ?1"

Declared declared_of(const Query& q) {
  return {ResourceId(q.text(0)), unpacked(q.bytes(1)), q.text(2), static_cast<int>(q.integer(3)), q.text(4)};
}

void append(Query q, std::vector<Declared>& out) {
  while (q.row()) out.push_back(declared_of(q));
}

}  // namespace

std::vector<Declared> SqliteStore::declared(const ApplicationUid& uid) const {
  return read([&](Connection& db) {
    std::vector<Declared> out;
    append(db.query(DECLARED_COLUMNS DECLARED_NOW " ORDER BY d.res_id", std::string_view(uid.str())), out);
    return out;
  });
}

std::vector<Declared> SqliteStore::declared_in(const ApplicationUid& uid,
                                               const std::vector<std::string>& paths) const {
  return read_consistently([&](Connection& db) {
    std::vector<Declared> out;
    for (const auto& path : paths) {
      append(db.query(DECLARED_COLUMNS DECLARED_NOW " AND d.path = ?2 ORDER BY d.position",
                      std::string_view(uid.str()), std::string_view(path)),
             out);
    }
    return out;
  });
}

std::optional<Declared> SqliteStore::declared_id(const ApplicationUid& uid, const ResourceId& id) const {
  return read([&](Connection& db) -> std::optional<Declared> {
    Query q = db.query(DECLARED_COLUMNS DECLARED_NOW " AND d.res_id = ?2", std::string_view(uid.str()),
                       std::string_view(id.str()));
    if (!q.row()) return std::nullopt;
    return declared_of(q);
  });
}

std::vector<Declared> SqliteStore::declared_at(const ApplicationUid& uid, SyncId sync) const {
  return read_consistently([&](Connection& db) {
    std::vector<Declared> out;
    std::int64_t app = 0, version = 0;
    {
      Query q = db.query(
          "SELECT a.id, v.version FROM applications a JOIN declared_sets v ON v.app = a.id"
          " WHERE a.uid = ? AND v.sync = ?",
          std::string_view(uid.str()), sync.value);
      if (!q.row()) {
        throw fail(
            ProblemCause::input,
            "the resources of sync " + std::to_string(sync.value) + " of " + uid.str() + " are not kept",
            "choose one of the application's last succeeded syncs");
      }
      app = q.integer(0);
      version = q.integer(1);
    }
    append(db.query(DECLARED_COLUMNS " FROM declared d WHERE app = ?1 AND until IS NULL AND since <= ?2"
                                     " UNION ALL " DECLARED_COLUMNS
                                     " FROM declared d WHERE app = ?1 AND until IS NOT NULL AND until > ?2"
                                     " AND since <= ?2 ORDER BY 1",
                    app, version),
           out);
    return out;
  });
}

std::int64_t SqliteStore::declared_count(const ApplicationUid& uid) const {
  return read([&](Connection& db) {
    Query q = db.query("SELECT count(*)" DECLARED_NOW, std::string_view(uid.str()));
    return q.row() ? q.integer(0) : std::int64_t{0};
  });
}

}  // namespace gitopsd::store
