#include "daemon/store/transaction.h"

#include "daemon/store/chain.h"
#include "daemon/store/columns.h"

namespace gitopsd::store {
namespace {

constexpr std::string_view kDeliveries = "deliveries";
constexpr std::string_view kLastEvent = "last event";
constexpr std::string_view kLastAudit = "last audit";

std::int64_t tally(Connection& db, std::string_view name) {
  Query q = db.query("SELECT value FROM tally WHERE name = ?", name);
  return q.row() ? q.integer(0) : 0;
}

void set_tally(Connection& db, std::string_view name, std::int64_t was, std::int64_t is) {
  if (was == is) return;
  db.run("INSERT INTO tally(name, value) VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET value = ?2", name,
         is);
}

}  // namespace

Transaction::Transaction(Connection& connection) : connection_(connection) {
  for (std::size_t i = 0; i < heads_.events.size(); ++i) {
    heads_.events[i] = tally(connection_, to_string(static_cast<EventState>(i)));
  }
  heads_.deliveries = tally(connection_, kDeliveries);
  heads_.last_event = tally(connection_, kLastEvent);
  Query last = connection_.query("SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1");
  if (last.row()) {
    heads_.audit_sequence = last.integer(0);
    last.bytes(1).copy(reinterpret_cast<char*>(heads_.audit_hash.data()), heads_.audit_hash.size());
  }
  committed_ = heads_;
}

void Transaction::begin(WallMicros now) {
  now_ = now;
  connection_.run("BEGIN IMMEDIATE");
}

void Transaction::store_heads() {
  for (std::size_t i = 0; i < heads_.events.size(); ++i) {
    set_tally(connection_, to_string(static_cast<EventState>(i)), committed_.events[i], heads_.events[i]);
  }
  set_tally(connection_, kDeliveries, committed_.deliveries, heads_.deliveries);
  set_tally(connection_, kLastEvent, committed_.last_event, heads_.last_event);
  set_tally(connection_, kLastAudit, committed_.audit_sequence, heads_.audit_sequence);
}

void Transaction::commit() {
  store_heads();
  connection_.run("COMMIT");
  committed_ = heads_;
}

void Transaction::rollback() {
  heads_ = committed_;
  names_.clear();
  try {
    if (connection_.in_transaction()) connection_.run("ROLLBACK");
  } catch (const SqlError&) {
    // SQLite has already undone what it could; the error that led here is the one to tell.
  }
}

void Transaction::begin_part() {
  connection_.run("SAVEPOINT part");
  part_ = heads_;
}

void Transaction::end_part() {
  connection_.run("RELEASE part");
}

void Transaction::rollback_part() {
  connection_.run("ROLLBACK TO part");
  connection_.run("RELEASE part");
  heads_ = part_;
  names_.clear();
}

std::int64_t Transaction::name_id(const std::string& name) {
  if (const auto known = names_.find(name); known != names_.end()) return known->second;
  const std::string_view text = name;
  connection_.run("INSERT INTO names(name) VALUES(?) ON CONFLICT(name) DO NOTHING", text);
  Query q = connection_.query("SELECT id FROM names WHERE name = ?", text);
  q.row();
  return names_[name] = q.integer(0);
}

std::int64_t Transaction::application_id(const ApplicationUid& uid) {
  const std::string_view text = uid.str();
  connection_.run(
      "INSERT INTO applications(uid) VALUES(?) ON CONFLICT(uid) DO UPDATE SET forgotten = 0 WHERE forgotten",
      text);
  Query q = connection_.query("SELECT id FROM applications WHERE uid = ?", text);
  q.row();
  return q.integer(0);
}

void Transaction::audit(std::string_view entry) {
  const auto sequence = heads_.audit_sequence + 1;
  const Sha256 hash = chain_hash(heads_.audit_hash, sequence, now_, entry);
  connection_.run("INSERT INTO audit(sequence, at, hash, entry) VALUES(?, ?, ?, ?)", sequence, now_,
                  Blob{bytes_of(hash)}, entry);
  heads_.audit_sequence = sequence;
  heads_.audit_hash = hash;
}

}  // namespace gitopsd::store
