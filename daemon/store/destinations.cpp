#include "base/problem.h"
#include "daemon/store/sqlite_store.h"

namespace gitopsd::store {

std::optional<KnownDestination> SqliteStore::destination(const DestinationName& name) const {
  return read([&](Connection& db) -> std::optional<KnownDestination> {
    Query q =
        db.query("SELECT identity, since FROM destinations WHERE name = ?", std::string_view(name.str()));
    if (!q.row()) return std::nullopt;
    return KnownDestination{q.text(0), q.integer(1)};
  });
}

void SqliteStore::set_destination(const DestinationName& name, const std::string& identity) {
  writer_.run([&](Transaction& t) {
    if (identity.empty())
      return t.db().run("DELETE FROM destinations WHERE name = ?", std::string_view(name.str()));
    t.db().run(
        "INSERT INTO destinations(name, identity, since) VALUES(?1, ?2, ?3)"
        " ON CONFLICT(name) DO UPDATE SET identity = ?2, since = ?3 WHERE identity <> ?2",
        std::string_view(name.str()), std::string_view(identity), t.now());
  });
}

bool SqliteStore::owns_at(const DestinationName& name) const {
  return read([&](Connection& db) {
    Query q = db.query(
        "SELECT 1 FROM applications a WHERE a.destination = ?"
        " AND EXISTS(SELECT 1 FROM inventory i INDEXED BY inventory_entry WHERE i.app = a.id) LIMIT 1",
        std::string_view(name.str()));
    return q.row();
  });
}

}  // namespace gitopsd::store
