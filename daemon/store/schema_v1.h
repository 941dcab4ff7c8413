// Version 1 of the schema. A released version is never edited: a change is a new version with its own
// migration.
#pragma once

namespace gitopsd::store {

inline constexpr char kSchemaV1[] = R"sql(
-- Facts about this database: installation, digest-key check.
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- Running totals that would cost a scan: events per state, deliveries, the last event id.
CREATE TABLE tally(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;

-- Hooks and repositories by number, so that a row of an event stays small.
CREATE TABLE names(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

-- One row per event. The first event of a delivery carries the delivery itself (`hook` to `events`), so that storing
-- one costs one row; the others name it by its id in `delivery`. `events` is how many there are, with ids in a row.
CREATE TABLE events(
  id INTEGER PRIMARY KEY, state INTEGER NOT NULL, delivery INTEGER NOT NULL, cause INTEGER NOT NULL,
  repository INTEGER NOT NULL, ref TEXT, before BLOB, after BLOB, flags INTEGER NOT NULL,
  attempts INTEGER NOT NULL, received INTEGER NOT NULL, stored INTEGER NOT NULL,
  actor TEXT, application TEXT, note TEXT,
  hook INTEGER, key BLOB, digest BLOB, headers TEXT, events INTEGER,
  reason TEXT, error TEXT, fetched INTEGER, rendered INTEGER, planned INTEGER, applied INTEGER, healthy INTEGER);
CREATE UNIQUE INDEX delivery_by_key ON events(hook, key) WHERE key IS NOT NULL;
CREATE INDEX event_open ON events(id) WHERE state < 3;
CREATE INDEX event_failed ON events(id) WHERE state = 4;

CREATE TABLE applications(
  id INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE, name TEXT NOT NULL DEFAULT '',
  destination TEXT NOT NULL DEFAULT '', last_sync INTEGER NOT NULL DEFAULT 0,
  last_succeeded INTEGER NOT NULL DEFAULT 0, revision TEXT NOT NULL DEFAULT '',
  input_key TEXT NOT NULL DEFAULT '', source_key TEXT NOT NULL DEFAULT '',
  quarantined TEXT NOT NULL DEFAULT '', outside TEXT NOT NULL DEFAULT '', settings TEXT NOT NULL DEFAULT '',
  orphaned INTEGER NOT NULL DEFAULT 0, forgotten INTEGER NOT NULL DEFAULT 0);

CREATE TABLE syncs(
  id INTEGER PRIMARY KEY AUTOINCREMENT, state INTEGER NOT NULL, app INTEGER NOT NULL, event INTEGER NOT NULL,
  kind TEXT NOT NULL, revision TEXT NOT NULL, input_key TEXT NOT NULL, source_key TEXT NOT NULL,
  documents TEXT NOT NULL, reason TEXT NOT NULL, error TEXT NOT NULL,
  created INTEGER NOT NULL, updated INTEGER NOT NULL, deleted INTEGER NOT NULL, unchanged INTEGER NOT NULL,
  started INTEGER NOT NULL, ended INTEGER NOT NULL,
  received INTEGER NOT NULL, stored INTEGER NOT NULL, fetched INTEGER NOT NULL, rendered INTEGER NOT NULL,
  planned INTEGER NOT NULL, applied INTEGER NOT NULL, healthy INTEGER NOT NULL,
  plan TEXT NOT NULL);
CREATE INDEX sync_by_app ON syncs(app);
CREATE INDEX sync_by_event ON syncs(event) WHERE event <> 0;
CREATE INDEX sync_open ON syncs(id) WHERE state < 4;

-- One row per resource and span of versions: it is declared from version `since` on, until just before `until`;
-- without `until` it is declared now. Keeping ten versions of a set costs what changed between them.
CREATE TABLE declared(
  app INTEGER NOT NULL, res_id TEXT NOT NULL, digest BLOB NOT NULL, path TEXT NOT NULL, position INTEGER NOT NULL,
  resource TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER);
CREATE UNIQUE INDEX declared_now ON declared(app, res_id) WHERE until IS NULL;
CREATE INDEX declared_by_path ON declared(app, path, until) WHERE until IS NULL;
CREATE INDEX declared_before ON declared(app, until) WHERE until IS NOT NULL;
CREATE INDEX declared_by_digest ON declared(digest);

-- The kept versions of an application's set, and the sync that made each.
CREATE TABLE declared_sets(app INTEGER, version INTEGER, sync INTEGER NOT NULL, PRIMARY KEY(app, version))
  WITHOUT ROWID;

CREATE TABLE documents(id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, put INTEGER NOT NULL,
  bytes BLOB NOT NULL);

CREATE TABLE inventory(
  app INTEGER NOT NULL, res_id TEXT NOT NULL, owned_digest BLOB NOT NULL, receipt TEXT NOT NULL,
  intended_sync INTEGER NOT NULL, intended_digest BLOB NOT NULL, changed_by INTEGER NOT NULL,
  resource TEXT NOT NULL);
CREATE UNIQUE INDEX inventory_entry ON inventory(app, res_id);
CREATE INDEX inventory_by_resource ON inventory(res_id);
CREATE INDEX inventory_intended ON inventory(app) WHERE intended_sync <> 0;
CREATE INDEX inventory_changed ON inventory(app, changed_by);

CREATE TABLE effects(
  app INTEGER NOT NULL, sync INTEGER NOT NULL, key TEXT NOT NULL, rerun TEXT NOT NULL, ended INTEGER NOT NULL,
  PRIMARY KEY(sync, key)) WITHOUT ROWID;
CREATE INDEX effect_open ON effects(app) WHERE ended = 0;

CREATE TABLE approvals(sync INTEGER PRIMARY KEY, who TEXT NOT NULL, at INTEGER NOT NULL);

CREATE TABLE tips(repository INTEGER, ref TEXT, tip TEXT NOT NULL, PRIMARY KEY(repository, ref)) WITHOUT ROWID;

CREATE TABLE audit(sequence INTEGER PRIMARY KEY, at INTEGER NOT NULL, hash BLOB NOT NULL, entry TEXT NOT NULL);
)sql";

}  // namespace gitopsd::store
