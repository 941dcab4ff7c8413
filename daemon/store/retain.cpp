#include <filesystem>

#include "daemon/store/columns.h"
#include "daemon/store/documents.h"
#include "daemon/store/sqlite_store.h"

namespace gitopsd::store {
namespace {

// So many rows a call take the writer a few milliseconds, for which intake waits.
constexpr int kBatch = 500;

/// Oldest first, where the rest needs no look: after so many in a row that are young. Fewer among older ones
/// have come to their time otherwise: one was queued again by a redelivery, or the clock was wrong.
class Young {
 public:
  explicit Young(WallMicros before) : before_(before) {}
  bool operator()(WallMicros time) {
    run_ = time < before_ ? 0 : run_ + 1;
    return run_ > 0;
  }
  bool all_are() const { return run_ == kBatch; }

 private:
  WallMicros before_;
  int run_ = 0;
};

/// Whether another event of the delivery still needs the row that carries it.
bool needed(Transaction& t, std::int64_t first, std::int64_t events, WallMicros before) {
  if (events < 2) return false;
  Query q =
      t.db().query("SELECT 1 FROM events WHERE id > ? AND id < ? AND (state < 3 OR received >= ?) LIMIT 1",
                   first, first + events, before);
  return q.row();
}

/// Open events stay where they are.
bool retain_events(Transaction& t, WallMicros before) {
  struct Old {
    std::int64_t id;
    EventState state;
    bool event, delivery;
  };
  std::vector<Old> old;
  {
    Query q =
        t.db().query("SELECT id, state, received, flags, events, key IS NOT NULL FROM events ORDER BY id");
    for (Young young(before); old.size() < kBatch && !young.all_are() && q.row();) {
      if (young(q.integer(2))) continue;
      const auto state = static_cast<EventState>(q.integer(1));
      if (!ended(state) || needed(t, q.integer(0), q.integer(4), before)) continue;
      old.push_back({q.integer(0), state, (q.integer(3) & kNoEventFlag) == 0, q.integer(5) != 0});
    }
  }
  for (const auto& row : old) {
    t.db().run("DELETE FROM events WHERE id = ?", row.id);
    // Also of one that came right by a redelivery.
    t.db().run("DELETE FROM failures WHERE event = ?", row.id);
    if (row.event) t.count(row.state, -1);
    if (row.delivery) t.heads().deliveries -= 1;
  }
  return old.size() == kBatch;
}

/// Whether a rollback, a further attempt or a start may still need it: kept sets, each application's last
/// syncs, those under whose number hooks are on record, and, of those since the last succeeded one, what the
/// dispatcher remembers: what somebody rejected and nobody asked for again, and the last that was applied in
/// part, of which its plan tells.
bool sync_needed(Transaction& t, std::int64_t sync) {
  Query q = t.db().query(
      "SELECT 1 FROM syncs s JOIN applications a ON a.id = s.app WHERE s.id = ? AND ("
      " s.id IN (a.last_sync, a.last_succeeded)"
      " OR EXISTS (SELECT 1 FROM declared_sets v WHERE v.app = s.app AND v.sync = s.id)"
      " OR EXISTS (SELECT 1 FROM effects e WHERE e.sync = s.id AND e.ended = 0)"
      " OR a.last_sync <> a.last_succeeded AND s.id > a.last_succeeded AND s.kind = 'sync' AND ("
      "  s.state = 7 AND NOT EXISTS (SELECT 1 FROM syncs n WHERE n.app = s.app AND n.id > s.id"
      "   AND (n.kind NOT IN ('sync', 'heal') OR n.kind = 'sync'"
      "    AND (n.source_key <> s.source_key OR n.input_key = s.input_key)))"
      "  OR s.state = 5 AND instr(s.plan, '\"in_part\":{') AND NOT EXISTS (SELECT 1 FROM syncs n"
      "   WHERE n.app = s.app AND n.id > s.id AND n.kind = 'sync' AND n.state = 5"
      "   AND instr(n.plan, '\"in_part\":{'))))",
      sync);
  return q.row();
}

bool retain_syncs(Transaction& t, WallMicros before) {
  std::vector<std::int64_t> old;
  {
    Query q = t.db().query("SELECT id, started FROM syncs WHERE state >= 4 ORDER BY id");
    for (Young young(before); old.size() < kBatch && !young.all_are() && q.row();)
      if (!young(q.integer(1)) && !sync_needed(t, q.integer(0))) old.push_back(q.integer(0));
  }
  for (const auto sync : old) {
    t.db().run("DELETE FROM effects WHERE sync = ?", sync);
    t.db().run("DELETE FROM approvals WHERE sync = ?", sync);
    t.db().run("DELETE FROM syncs WHERE id = ?", sync);
  }
  return old.size() == kBatch;
}

}  // namespace

bool SqliteStore::retain(WallMicros before) {
  bool more = false;
  writer_.run([&](Transaction& t) {
    more = retain_events(t, before);
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
