#include "base/hash.h"
#include "base/problem.h"
#include "daemon/store/chain.h"
#include "daemon/store/columns.h"
#include "daemon/store/sqlite_store.h"

namespace gitopsd::store {
namespace {

/// Of a row of sequence, at, entry and hash.
AuditEntry row_of(Query& q) {
  const auto hash = q.bytes(3);
  return {q.integer(0), q.integer(1), q.text(2),
          to_hex({reinterpret_cast<const std::uint8_t*>(hash.data()), hash.size()})};
}

}  // namespace

void SqliteStore::audit(std::string entry) {
  writer_.run([&](Transaction& t) { t.audit(entry); });
}

std::vector<AuditEntry> SqliteStore::audit_log(std::int64_t from, int limit) const {
  return read([&](Connection& db) {
    std::vector<AuditEntry> out;
    Query q =
        db.query("SELECT sequence, at, entry, hash FROM audit WHERE sequence >= ? ORDER BY sequence LIMIT ?",
                 from, limit);
    while (q.row()) out.push_back(row_of(q));
    return out;
  });
}

std::optional<AuditEntry> SqliteStore::audit_head(WallMicros before) const {
  return read([&](Connection& db) -> std::optional<AuditEntry> {
    // From the end, where it is found at once: no index is needed.
    Query q = db.query(
        "SELECT sequence, at, entry, hash FROM audit WHERE at < ? ORDER BY sequence DESC LIMIT 1", before);
    if (!q.row()) return std::nullopt;
    return row_of(q);
  });
}

std::optional<std::int64_t> SqliteStore::verify_audit() const {
  return read_consistently([&](Connection& db) -> std::optional<std::int64_t> {
    Sha256 previous{};
    std::int64_t expected = 1;
    {
      Query q = db.query("SELECT sequence, at, entry, hash FROM audit ORDER BY sequence");
      for (; q.row(); ++expected) {
        if (q.integer(0) != expected) return expected;
        previous = chain_hash(previous, expected, q.integer(1), q.bytes(2));
        if (q.bytes(3) != bytes_of(previous)) return expected;
      }
    }
    // Entries cut off at the end leave a whole chain behind; the number of the last one stands elsewhere too.
    Query q = db.query("SELECT value FROM tally WHERE name = 'last audit'");
    const auto last = q.row() ? q.integer(0) : 0;
    if (last >= expected) return expected;
    return std::nullopt;
  });
}

}  // namespace gitopsd::store
