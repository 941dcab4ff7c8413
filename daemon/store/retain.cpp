#include <filesystem>

#include "daemon/store/documents.h"
#include "daemon/store/sqlite_store.h"

namespace gitopsd::store {
namespace {

// So many rows a call take the writer a few milliseconds, for which intake waits.
constexpr int kBatch = 500;

struct Row {
  std::int64_t id = 0;
  std::int64_t extra = 0;
};

/// Oldest first, ending at the first row that is young enough. Open events stay where they are.
bool retain_events(Transaction& t, WallMicros before) {
  std::vector<Row> old;
  {
    Query q = t.db().query("SELECT id, state, received FROM events ORDER BY id");
    while (old.size() < kBatch && q.row() && q.integer(2) < before) {
      if (ended(static_cast<EventState>(q.integer(1)))) old.push_back({q.integer(0), q.integer(1)});
    }
  }
  for (const auto& row : old) {
    t.db().run("DELETE FROM events WHERE id = ?", row.id);
    t.count(static_cast<EventState>(row.extra), -1);
  }
  return old.size() == kBatch;
}

bool retain_deliveries(Transaction& t, WallMicros before) {
  std::vector<Row> old;
  {
    Query q = t.db().query("SELECT id, events, received FROM deliveries ORDER BY id");
    while (old.size() < kBatch && q.row() && q.integer(2) < before) {
      const auto id = q.integer(0);
      Query left =
          t.db().query("SELECT 1 FROM events WHERE id >= ? AND id < ? LIMIT 1", id, id + q.integer(1));
      if (!left.row()) old.push_back({id, 0});
    }
  }
  for (const auto& row : old) t.db().run("DELETE FROM deliveries WHERE id = ?", row.id);
  t.heads().deliveries -= static_cast<std::int64_t>(old.size());
  return old.size() == kBatch;
}

/// What a rollback or a running sync may still need stays: kept sets, and each application's last syncs.
bool retain_syncs(Transaction& t, WallMicros before) {
  std::vector<Row> old;
  {
    Query q = t.db().query(
        "SELECT s.id, s.started FROM syncs s WHERE s.state >= 4"
        " AND NOT EXISTS (SELECT 1 FROM declared_sets v WHERE v.app = s.app AND v.sync = s.id)"
        " AND NOT EXISTS (SELECT 1 FROM applications a WHERE a.id = s.app"
        "                 AND s.id IN (a.last_sync, a.last_succeeded))"
        " ORDER BY s.id");
    while (old.size() < kBatch && q.row() && q.integer(1) < before) old.push_back({q.integer(0), 0});
  }
  for (const auto& row : old) {
    t.db().run("DELETE FROM effects WHERE sync = ?", row.id);
    t.db().run("DELETE FROM approvals WHERE sync = ?", row.id);
    t.db().run("DELETE FROM syncs WHERE id = ?", row.id);
  }
  return old.size() == kBatch;
}

}  // namespace

bool SqliteStore::retain(WallMicros before) {
  bool more = false;
  writer_.run([&](Transaction& t) {
    more = retain_events(t, before);
    more = retain_deliveries(t, before) || more;
    more = retain_syncs(t, before) || more;
    swept_document_ = sweep_documents(t, swept_document_, before, kBatch);
    more = swept_document_ != 0 || more;
  });
  return more;
}

Store::Counts SqliteStore::counts() const {
  return read([&](Connection& db) {
    Counts out;
    {
      Query q = db.query("SELECT name, value FROM tally");
      while (q.row()) {
        if (event_state(q.bytes(0))) out.events_by_state[q.text(0)] = q.integer(1);
        if (q.bytes(0) == "deliveries") out.deliveries = q.integer(1);
      }
    }
    for (const auto* suffix : {"", "-wal"}) {
      std::error_code missing;
      const auto size = std::filesystem::file_size(path_ + suffix, missing);
      if (!missing) out.bytes += static_cast<std::int64_t>(size);
    }
    return out;
  });
}

std::string SqliteStore::check() const {
  return read([&](Connection& db) {
    std::string out;
    Query q = db.query("PRAGMA integrity_check");
    while (q.row()) {
      if (q.bytes(0) == "ok") continue;
      if (!out.empty()) out += '\n';
      out += q.bytes(0);
    }
    return out;
  });
}

}  // namespace gitopsd::store
