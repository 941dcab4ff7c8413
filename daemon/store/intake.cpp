#include "daemon/store/intake.h"

#include <algorithm>
#include <optional>

#include "base/hash.h"
#include "base/json.h"
#include "daemon/store/columns.h"
#include "daemon/store/delivery_key.h"

namespace gitopsd::store {
namespace {

/// What the first row of a delivery carries.
struct DeliveryColumns {
  std::int64_t hook;
  std::string_view key, digest, headers;
  std::int64_t events;
};

#define INSERT_EVENT                                                                                 \
  "INSERT INTO events(id, state, delivery, cause, repository, ref, before, after, flags, attempts, " \
  "received,"                                                                                        \
  " stored, actor, application, note, hook, key, digest, headers, events)"
#define UNLESS_KNOWN " ON CONFLICT(hook, key) WHERE key IS NOT NULL DO NOTHING"

/// False when the delivery is already there.
bool insert_row(Transaction& t, std::int64_t id, const NewEvent& event, std::int64_t delivery,
                const DeliveryColumns* columns) {
  const int flags = (event.deleted ? kDeletedFlag : 0) | (event.body_signed ? kBodySignedFlag : 0);
  const CommitBytes before(event.before), after(event.after);
  const auto cause = static_cast<int>(event.cause);
  const auto repository = t.name_id(event.repository.str());
  const std::string_view ref = event.ref.str(), actor = event.actor, application = event.application.str(),
                         note = event.note;
  if (!columns) {
    t.db().run(INSERT_EVENT
               "VALUES(?, 0, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, NULL, NULL, NULL, NULL, NULL)",
               id, delivery, cause, repository, ref, Blob{before.view()}, Blob{after.view()}, flags,
               event.received, t.now(), actor, application, note);
    return true;
  }
  t.db().run(INSERT_EVENT "VALUES(?, 0, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)" UNLESS_KNOWN,
             id, delivery, cause, repository, ref, Blob{before.view()}, Blob{after.view()}, flags,
             event.received, t.now(), actor, application, note, columns->hook, Blob{columns->key},
             Blob{columns->digest}, columns->headers, columns->events);
  return t.db().changes() > 0;
}

bool insert_without_event(Transaction& t, std::int64_t id, WallMicros received,
                          const DeliveryColumns& columns) {
  t.db().run(INSERT_EVENT
             "VALUES(?1, ?2, ?1, 0, 0, NULL, NULL, NULL, ?3, 0, ?4, ?5, NULL, NULL, NULL, ?6, ?7, ?8, ?9, "
             "0)" UNLESS_KNOWN,
             id, static_cast<int>(EventState::ignored), kNoEventFlag, received, t.now(), columns.hook,
             Blob{columns.key}, Blob{columns.digest}, columns.headers);
  return t.db().changes() > 0;
}

struct Stored {
  std::int64_t id = 0;
  std::int64_t events = 0;
  bool same_digest = true;
};

std::optional<Stored> find(Transaction& t, std::int64_t hook, std::string_view key,
                           const Delivery& delivery) {
  Query q =
      t.db().query("SELECT id, events, digest FROM events WHERE hook = ? AND key = ? AND key IS NOT NULL",
                   hook, Blob{key});
  if (!q.row()) return std::nullopt;
  return Stored{q.integer(0), q.integer(1), q.bytes(2) == bytes_of(delivery.digest)};
}

std::vector<EventId> failed_events(Transaction& t, const Stored& stored) {
  std::vector<EventId> out;
  Query q = t.db().query("SELECT id FROM events WHERE id >= ? AND id < ? AND state = 4", stored.id,
                         stored.id + stored.events);
  while (q.row()) out.push_back(EventId{q.integer(0)});
  return out;
}

void audit_again(Transaction& t, const Delivery& delivery, std::string_view what,
                 const std::vector<EventId>& events) {
  Value::Array ids;
  for (EventId id : events) ids.emplace_back(id.value);
  const Value entry = Value::object({{"what", what},
                                     {"hook", delivery.hook.str()},
                                     {"delivery", delivery.id.str()},
                                     {"digest", to_hex(delivery.digest)},
                                     {"events", std::move(ids)}});
  t.audit(to_json(entry));
}

/// The same id again. A redelivery is the operator's or the forge's way to say "try again", so what failed is
/// queued. Another digest under a known id is no new delivery (the forge's ids are unique; a rotated secret
/// changes a digest that is an HMAC): the first stays the truth, and the audit record says what came.
Accepted again(Transaction& t, const Delivery& delivery, const Stored& stored) {
  if (!stored.same_digest) audit_again(t, delivery, "delivery id used again with another digest", {});
  Accepted out{Accepted::Kind::duplicate, {}};
  const auto failed = failed_events(t, stored);
  if (failed.empty()) {
    for (std::int64_t i = 0; i < stored.events; ++i) out.events.push_back(EventId{stored.id + i});
    return out;
  }
  for (EventId id : failed) {
    t.db().run(
        "UPDATE events SET state = 0, attempts = 0, reason = 'queued again by a redelivery', error = NULL,"
        " received = ?, stored = ?, fetched = NULL, rendered = NULL, planned = NULL, applied = NULL,"
        " healthy = NULL WHERE id = ?",
        delivery.received, t.now(), id.value);
  }
  const auto count = static_cast<std::int64_t>(failed.size());
  t.count(EventState::failed, -count);
  t.count(EventState::queued, count);
  audit_again(t, delivery, "failed events queued again by a redelivery", failed);
  return {Accepted::Kind::requeued, failed};
}

}  // namespace

std::set<int>& Intake::weeks(Transaction& t, std::int64_t hook) {
  const auto [entry, is_new] = weeks_.try_emplace(hook);
  if (!is_new) return entry->second;
  // Hops from week to week through the index.
  std::string from("w\0\0", 3);
  for (;;) {
    Query q = t.db().query(
        "SELECT key FROM events WHERE hook = ? AND key >= ? AND key < x'78' AND key IS NOT NULL"
        " ORDER BY key LIMIT 1",
        hook, Blob{from});
    if (!q.row()) return entry->second;
    const auto key = q.bytes(0);
    const int week = static_cast<unsigned char>(key[1]) << 8 | static_cast<unsigned char>(key[2]);
    entry->second.insert(week);
    if (week == 0xffff) return entry->second;
    from = {'w', static_cast<char>((week + 1) >> 8), static_cast<char>((week + 1) & 0xff)};
  }
}

Accepted Intake::accept(Transaction& t, const Delivery& delivery) {
  const auto hook = t.name_id(delivery.hook.str());
  const DeliveryKey key(delivery.id);
  const int week = week_of(delivery.received);
  const std::string indexed = indexed_key(key, week);
  if (!key.timed()) {
    auto& known = weeks(t, hook);
    for (int other : known) {
      if (other == week) continue;
      if (auto stored = find(t, hook, indexed_key(key, other), delivery)) return again(t, delivery, *stored);
    }
    known.insert(week);
  }

  const auto id = t.heads().last_event + 1;
  const auto count = static_cast<std::int64_t>(delivery.events.size());
  const DeliveryColumns columns{hook, indexed, bytes_of(delivery.digest), delivery.headers, count};
  const bool is_new = count > 0 ? insert_row(t, id, delivery.events.front(), id, &columns)
                                : insert_without_event(t, id, delivery.received, columns);
  if (!is_new) {
    if (auto stored = find(t, hook, indexed, delivery)) return again(t, delivery, *stored);
  }
  t.heads().deliveries += 1;
  t.heads().last_event = id + std::max(count, std::int64_t{1}) - 1;
  t.count(EventState::queued, count);
  Accepted out;
  out.events.reserve(delivery.events.size());
  for (std::int64_t i = 0; i < count; ++i) {
    if (i > 0) insert_row(t, id + i, delivery.events[static_cast<std::size_t>(i)], id, nullptr);
    out.events.push_back(EventId{id + i});
  }
  return out;
}

EventId insert_event(Transaction& t, const NewEvent& event) {
  const auto id = ++t.heads().last_event;
  insert_row(t, id, event, 0, nullptr);
  t.count(EventState::queued, 1);
  return EventId{id};
}

}  // namespace gitopsd::store
