#include "base/problem.h"
#include "daemon/store/columns.h"
#include "daemon/store/sqlite_store.h"

namespace gitopsd::store {
namespace {

#define INVENTORY_COLUMNS                                                                        \
  "SELECT i.res_id, i.owned_digest, i.receipt, i.intended_sync, i.intended_digest, i.resource, " \
  "i.changed_by,"                                                                                \
  " i.handed_by, i.handed_at FROM applications a JOIN inventory i "

InventoryEntry entry_of(const Query& q) {
  return {ResourceId(q.text(0)), unpacked(q.bytes(1)),      q.text(2),
          SyncId{q.integer(3)},  unpacked(q.bytes(4)),      q.text(5),
          SyncId{q.integer(6)},  ApplicationUid(q.text(7)), CommitId::parse(q.text(8)).value_or(CommitId())};
}

void append(Query q, std::vector<InventoryEntry>& out) {
  while (q.row()) out.push_back(entry_of(q));
}

void settle_one(Transaction& t, std::int64_t app, SyncId sync, const Store::Settled& settled) {
  const std::string_view id = settled.id.str();
  if (!settled.audit.empty()) t.audit(settled.audit);
  if (settled.gone) {
    t.db().run("DELETE FROM inventory WHERE app = ? AND res_id = ?", app, id);
    return;
  }
  if (settled.digest.empty()) {
    t.db().run(
        "UPDATE inventory SET intended_sync = 0, intended_digest = x'', changed_by = ?3"
        " WHERE app = ?1 AND res_id = ?2",
        app, id, sync.value);
    // With neither half there is nothing that anybody owns.
    t.db().run("DELETE FROM inventory WHERE app = ? AND res_id = ? AND owned_digest = x''", app, id);
    return;
  }
  const std::string digest = packed(settled.digest);
  t.db().run(
      "INSERT INTO inventory(app, res_id, owned_digest, receipt, intended_sync, intended_digest, changed_by,"
      " resource) VALUES(?1, ?2, ?3, ?4, 0, x'', ?5, '')"
      " ON CONFLICT(app, res_id) DO UPDATE SET owned_digest = ?3, receipt = ?4, intended_sync = 0,"
      " intended_digest = x'', changed_by = ?5, handed_by = ''",
      app, id, Blob{digest}, std::string_view(settled.receipt), sync.value);
}

/// An intent of the one to whom it goes has proven nothing, and makes way.
void hand_one(Transaction& t, const ApplicationUid& from, std::int64_t app, SyncId sync,
              const Store::Handed& handed) {
  const std::string_view id = handed.id.str(), giver = from.str(), taker = handed.to.str();
  const auto to = t.application_id(handed.to);
  if (!handed.audit.empty()) t.audit(handed.audit);
  t.db().run("DELETE FROM inventory WHERE app = ? AND res_id = ? AND owned_digest = x''", to, id);
  // The mark on it is still that of whoever wrote it last: with an open intent the giver may have, and where
  // it came from the taker that covers both.
  t.db().run(
      "UPDATE OR IGNORE inventory SET app = ?3, intended_sync = 0, intended_digest = x'', changed_by = ?4,"
      " handed_by = iif(handed_by = '' OR intended_sync <> 0, ?5, iif(handed_by = ?6, '', handed_by)),"
      " handed_at = ?7"
      " WHERE app = ?1 AND res_id = ?2",
      app, id, to, sync.value, giver, taker, std::string_view(handed.at.str()));
  t.db().run("DELETE FROM inventory WHERE app = ? AND res_id = ?", app, id);
}

}  // namespace

std::vector<InventoryEntry> SqliteStore::inventory(const ApplicationUid& uid) const {
  return read([&](Connection& db) {
    std::vector<InventoryEntry> out;
    append(db.query(INVENTORY_COLUMNS "ON i.app = a.id WHERE a.uid = ? ORDER BY i.res_id",
                    std::string_view(uid.str())),
           out);
    return out;
  });
}

std::vector<InventoryEntry> SqliteStore::inventory(const ApplicationUid& uid,
                                                   const std::vector<ResourceId>& ids) const {
  return read_consistently([&](Connection& db) {
    std::vector<InventoryEntry> out;
    for (const auto& id : ids) {
      append(db.query(INVENTORY_COLUMNS "ON i.app = a.id WHERE a.uid = ? AND i.res_id = ?",
                      std::string_view(uid.str()), std::string_view(id.str())),
             out);
    }
    return out;
  });
}

std::int64_t SqliteStore::inventory_count(const ApplicationUid& uid) const {
  return read([&](Connection& db) {
    Query q = db.query("SELECT count(*) FROM applications a JOIN inventory i ON i.app = a.id WHERE a.uid = ?",
                       std::string_view(uid.str()));
    return q.row() ? q.integer(0) : std::int64_t{0};
  });
}

std::vector<InventoryEntry> SqliteStore::unsettled(const ApplicationUid& uid) const {
  return read_consistently([&](Connection& db) {
    std::vector<InventoryEntry> out;
    const std::string_view text = uid.str();
    append(db.query(INVENTORY_COLUMNS "INDEXED BY inventory_intended ON i.app = a.id"
                                      " WHERE a.uid = ? AND i.intended_sync <> 0 ORDER BY i.res_id",
                    text),
           out);
    append(db.query(INVENTORY_COLUMNS "INDEXED BY inventory_changed ON i.app = a.id"
                                      " WHERE a.uid = ? AND i.changed_by > a.last_succeeded"
                                      " AND i.intended_sync = 0 AND i.handed_by = '' ORDER BY i.res_id",
                    text),
           out);
    append(db.query(INVENTORY_COLUMNS "INDEXED BY inventory_handed ON i.app = a.id"
                                      " WHERE a.uid = ? AND i.handed_by <> '' AND i.intended_sync = 0"
                                      " ORDER BY i.res_id",
                    text),
           out);
    return out;
  });
}

std::optional<ApplicationUid> SqliteStore::owner_of(const DestinationName& destination, const ResourceId& id,
                                                    const ApplicationUid& self) const {
  return read([&](Connection& db) -> std::optional<ApplicationUid> {
    Query q = db.query(
        "SELECT a.uid FROM inventory i INDEXED BY inventory_by_resource JOIN applications a ON a.id = i.app"
        " WHERE i.res_id = ? AND a.destination = ? AND a.uid <> ? LIMIT 1",
        std::string_view(id.str()), std::string_view(destination.str()), std::string_view(self.str()));
    if (!q.row()) return std::nullopt;
    return ApplicationUid(q.text(0));
  });
}

void SqliteStore::intend(const ApplicationUid& uid, SyncId sync, std::span<const InventoryEntry> entries) {
  if (entries.empty()) return;
  writer_.run([&](Transaction& t) {
    const auto app = t.application_id(uid);
    for (const auto& entry : entries) {
      const std::string digest = packed(entry.intended_digest);
      t.db().run(
          "INSERT INTO inventory(app, res_id, owned_digest, receipt, intended_sync, intended_digest, "
          "changed_by,"
          " resource) VALUES(?1, ?2, x'', '', ?3, ?4, ?3, ?5)"
          " ON CONFLICT(app, res_id) DO UPDATE SET intended_sync = ?3, intended_digest = ?4, changed_by = ?3,"
          " resource = iif(?5 = '', resource, ?5)",
          app, std::string_view(entry.id.str()), sync.value, Blob{digest}, std::string_view(entry.resource));
    }
  });
}

void SqliteStore::settle(const ApplicationUid& uid, SyncId sync, std::span<const Settled> settled) {
  if (settled.empty()) return;
  writer_.run([&](Transaction& t) {
    const auto app = t.application_id(uid);
    for (const auto& one : settled) settle_one(t, app, sync, one);
  });
}

void SqliteStore::hand_over(const ApplicationUid& from, SyncId sync, std::span<const Handed> handed) {
  if (handed.empty()) return;
  writer_.run([&](Transaction& t) {
    const auto app = t.application_id(from);
    for (const auto& one : handed) hand_one(t, from, app, sync, one);
  });
}

}  // namespace gitopsd::store
