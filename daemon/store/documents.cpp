#include "daemon/store/documents.h"

#include <vector>

#include "daemon/store/columns.h"
#include "daemon/store/sqlite_store.h"

namespace gitopsd::store {
namespace {

constexpr WallMicros kFresh = 24LL * 3600 * 1'000'000;

bool declared_somewhere(Transaction& t, const std::string& digest) {
  Query q = t.db().query("SELECT 1 FROM declared WHERE digest = ? LIMIT 1", Blob{digest});
  return q.row();
}

bool in_inventory(Transaction& t, const std::string& res_id, const std::string& digest) {
  Query q = t.db().query(
      "SELECT 1 FROM inventory WHERE res_id = ?1 AND (owned_digest = ?2 OR intended_digest = ?2) LIMIT 1",
      std::string_view(res_id), Blob{digest});
  return q.row();
}

}  // namespace

void write_documents(Transaction& t, const std::map<std::string, std::string>& documents) {
  for (const auto& [digest, bytes] : documents) {
    const std::string key = packed(digest);
    // A document that is put again is in use again: its age keeps the sweep away.
    t.db().run(
        "INSERT INTO documents(digest, put, bytes) VALUES(?1, ?2, ?3)"
        " ON CONFLICT(digest) DO UPDATE SET put = ?2 WHERE put < ?4",
        Blob{key}, t.now(), Blob{bytes}, t.now() - kFresh);
  }
}

std::set<DocumentUse> documents_of(Transaction& t, std::int64_t app) {
  std::set<DocumentUse> out;
  Query q = t.db().query(
      "SELECT res_id, digest FROM declared WHERE app = ?1"
      " UNION SELECT res_id, owned_digest FROM inventory WHERE app = ?1"
      " UNION SELECT res_id, intended_digest FROM inventory WHERE app = ?1",
      app);
  while (q.row()) out.emplace(q.text(0), q.text(1));
  return out;
}

void drop_unused(Transaction& t, const std::set<DocumentUse>& candidates) {
  for (const auto& [res_id, digest] : candidates) {
    if (digest.empty() || declared_somewhere(t, digest) || in_inventory(t, res_id, digest)) continue;
    t.db().run("DELETE FROM documents WHERE digest = ?", Blob{digest});
  }
}

std::int64_t sweep_documents(Transaction& t, std::int64_t from, WallMicros before, int limit) {
  std::vector<std::int64_t> undeclared;
  std::int64_t last = 0;
  {
    Query q = t.db().query(
        "SELECT id, put < ?1 AND NOT EXISTS (SELECT 1 FROM declared d WHERE d.digest = documents.digest)"
        " FROM documents WHERE id > ?2 ORDER BY id LIMIT ?3",
        before, from, limit);
    while (q.row()) {
      last = q.integer(0);
      if (q.integer(1)) undeclared.push_back(last);
    }
  }
  // Seldom any: looking through the inventory is worth no index on its digests.
  for (const auto id : undeclared) {
    t.db().run(
        "DELETE FROM documents WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM inventory i"
        " WHERE i.owned_digest = documents.digest OR i.intended_digest = documents.digest)",
        id);
  }
  return last;
}

std::optional<std::string> SqliteStore::document(const std::string& digest) const {
  return read([&](Connection& db) -> std::optional<std::string> {
    const std::string key = packed(digest);
    Query q = db.query("SELECT bytes FROM documents WHERE digest = ?", Blob{key});
    if (!q.row()) return std::nullopt;
    return q.text(0);
  });
}

void SqliteStore::put_documents(const std::map<std::string, std::string>& documents) {
  if (documents.empty()) return;
  writer_.run([&](Transaction& t) { write_documents(t, documents); });
}

}  // namespace gitopsd::store
