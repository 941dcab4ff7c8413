// The end of a sync that succeeded: its set becomes the current one.
#include <algorithm>

#include "daemon/store/columns.h"
#include "daemon/store/documents.h"
#include "daemon/store/sqlite_store.h"
#include "daemon/store/syncs.h"

namespace gitopsd::store {
namespace {

std::int64_t next_version(Transaction& t, std::int64_t app) {
  Query q =
      t.db().query("SELECT version FROM declared_sets WHERE app = ? ORDER BY version DESC LIMIT 1", app);
  return q.row() ? q.integer(0) + 1 : 1;
}

bool unchanged(Transaction& t, std::int64_t app, const Declared& row, const std::string& digest) {
  Query q = t.db().query(
      "SELECT digest, path, position, resource FROM declared WHERE app = ? AND res_id = ? AND until IS NULL",
      app, std::string_view(row.id.str()));
  return q.row() && q.bytes(0) == digest && q.bytes(1) == row.path && q.integer(2) == row.index &&
         q.bytes(3) == row.resource;
}

void close_row(Transaction& t, std::int64_t app, const ResourceId& id, std::int64_t version) {
  // A row that began in this same version was never part of a set.
  t.db().run("DELETE FROM declared WHERE app = ? AND res_id = ? AND until IS NULL AND since = ?", app,
             std::string_view(id.str()), version);
  t.db().run("UPDATE declared SET until = ? WHERE app = ? AND res_id = ? AND until IS NULL", version, app,
             std::string_view(id.str()));
}

void put_row(Transaction& t, std::int64_t app, const Declared& row, std::int64_t version) {
  const std::string digest = packed(row.digest);
  if (unchanged(t, app, row, digest)) return;
  close_row(t, app, row.id, version);
  t.db().run(
      "INSERT INTO declared(app, res_id, digest, path, position, resource, since, until)"
      " VALUES(?, ?, ?, ?, ?, ?, ?, NULL)",
      app, std::string_view(row.id.str()), Blob{digest}, std::string_view(row.path), row.index,
      std::string_view(row.resource), version);
}

/// Forgets the sets before the newest `keep`, with the rows and documents that only they had.
void prune(Transaction& t, std::int64_t app, int keep) {
  std::int64_t oldest = 0;
  {
    Query q =
        t.db().query("SELECT version FROM declared_sets WHERE app = ? ORDER BY version DESC LIMIT 1 OFFSET ?",
                     app, keep - 1);
    if (!q.row()) return;
    oldest = q.integer(0);
  }
  t.db().run("DELETE FROM declared_sets WHERE app = ? AND version < ?", app, oldest);
  std::set<DocumentUse> documents;
  {
    Query q = t.db().query(
        "DELETE FROM declared WHERE app = ? AND until IS NOT NULL AND until <= ? RETURNING res_id, digest",
        app, oldest);
    while (q.row()) documents.emplace(q.text(0), q.text(1));
  }
  drop_unused(t, documents);
}

}  // namespace

void SqliteStore::succeed(SyncId id, const Applied& now, const DeclaredChange& change,
                          const std::map<std::string, std::string>& documents, const Transition& to,
                          int keep) {
  writer_.run([&](Transaction& t) {
    move_sync(t, id, to);
    const auto app = t.application_id(now.uid);
    t.db().run(
        "UPDATE applications SET last_succeeded = ?2, revision = ?3, input_key = ?4, source_key = ?5, "
        "outside = ?6"
        " WHERE id = ?1",
        app, id.value, std::string_view(now.revision.str()), std::string_view(now.input_key),
        std::string_view(now.source_key), std::string_view(now.outside));
    t.db().run("UPDATE syncs SET input_key = ?, source_key = ? WHERE id = ?", std::string_view(now.input_key),
               std::string_view(now.source_key), id.value);
    const auto version = next_version(t, app);
    write_documents(t, documents);
    for (const auto& resource : change.removed) close_row(t, app, resource, version);
    for (const auto& row : change.put) put_row(t, app, row, version);
    t.db().run("INSERT INTO declared_sets(app, version, sync) VALUES(?, ?, ?)", app, version, id.value);
    prune(t, app, std::max(keep, 1));
  });
}

}  // namespace gitopsd::store
