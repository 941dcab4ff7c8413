#include <algorithm>

#include "daemon/sync/problems.h"
#include "daemon/sync/work.h"

namespace gitopsd::sync {
namespace {

// Nobody reads more of them, and a hostile repository could have a hundred thousand.
constexpr std::size_t kMostProblems = 1000;

std::string below(const std::string& application_path, const std::string& path) {
  return application_path.empty() ? path : path.substr(application_path.size() + 1);
}

/// The manifests that have to be read: those whose bytes, or whose needed files' bytes, changed.
std::set<std::string> changed_manifests(const Scope& scope, const source::Snapshot& now,
                                        const source::Snapshot& then, const NeedIndex& needs) {
  const auto& app = scope.application;
  std::set<std::string> paths;
  for (const auto& change : now.changes_since(then, app.path)) {
    if (render::is_manifest(app, below(app.path, change.path))) paths.insert(change.path);
    paths.merge(needs.manifests_needing(change.path));
  }
  for (const auto& [path, id] : needs.outside(app.path)) {
    const auto entry = now.entry(path);
    if (!entry || entry->id.str() != id) paths.merge(needs.manifests_needing(path));
  }
  // As many as the application may have at all: whoever sees only changes must not let more in.
  if (constexpr auto most = render::Limits{}.files; paths.size() > most) {
    throw Failure(Problem{ProblemCause::input,
                          "more than " + std::to_string(most) + " manifests changed",
                          "let the application's path name a smaller folder",
                          place(now.commit(), app.path),
                          {}});
  }
  return paths;
}

std::vector<render::Document> read_documents(const source::Snapshot& snapshot,
                                             const std::vector<source::TreeEntry>& manifests) {
  std::vector<render::Document> documents;
  std::vector<Problem> problems;
  for (const auto& entry : manifests) {
    try {
      for (auto& d : render::read_manifest(snapshot, entry)) documents.push_back(std::move(d));
    } catch (const Failure& failure) {
      if (failure.cause() != ProblemCause::input) throw;
      for (const auto& p : failure.problems()) problems.push_back(p);
      if (problems.size() > kMostProblems) break;
    }
  }
  if (!problems.empty()) throw Failure(std::move(problems));
  return documents;
}

/// Two documents of one application that mean the same thing, wherever they stand.
void refuse_duplicates(const Scope& scope, const CommitId& commit, const std::vector<Item>& items,
                       const std::set<std::string>& reread, bool incremental) {
  std::vector<Problem> problems;
  std::map<ResourceId, const Item*> seen;
  const auto refuse = [&](const Item& item, const std::string& other) {
    problems.push_back({ProblemCause::conflict,
                        item.resource.kind + " \"" + item.resource.name + "\" declares " +
                            item.resource.id.str() + " a second time",
                        "it is already declared in " + other + "; remove one of the two",
                        place(commit, item.path), item.document.json.position});
  };
  for (const auto& item : items) {
    const auto [it, fresh] = seen.emplace(item.resource.id, &item);
    if (!fresh) {
      refuse(item, it->second->path + ":" + std::to_string(it->second->document.json.position.line));
    } else if (incremental) {
      const auto row = scope.store.declared_id(scope.application.uid, item.resource.id);
      if (row && !reread.contains(row->path)) refuse(item, row->path);
    }
  }
  if (!problems.empty()) throw Failure(std::move(problems));
}

void refuse_foreign_owned(const Scope& scope, const CommitId& commit, const Item& item,
                          std::vector<Problem>& problems) {
  const auto owner = scope.store.owner_of(scope.destination.name, item.resource.id, scope.application.uid);
  if (!owner) return;
  problems.push_back(
      {ProblemCause::conflict, item.resource.id.str() + " belongs to application " + owner->str(),
       "let one application declare it, or delete it from the other first; an application that was renamed "
       "keeps what it owns with `uid: ITS-FIRST-NAME`",
       place(commit, item.path), item.document.json.position});
}

/// Adds what an earlier, unfinished sync left different from what is declared now.
void add_unsettled(const Scope& scope, const std::set<ResourceId>& handled, Work& work) {
  for (auto& entry : scope.store.unsettled(scope.application.uid)) {
    if (handled.contains(entry.id)) continue;
    const auto row = scope.store.declared_id(scope.application.uid, entry.id);
    if (!row) {
      if (!entry.owned_digest.empty()) work.remove.push_back(entry.id);
    } else if (row->digest != entry.owned_digest || entry.intended_sync) {
      Item item;
      item.resource = decode_resource(row->id, row->digest, row->resource);
      item.path = row->path;
      item.index = row->index;
      item.document.digest = row->digest;
      const auto bytes = scope.store.document(row->digest);
      if (!bytes) throw fail(ProblemCause::internal, "the store has no document for " + row->id.str());
      unpack_document(*bytes, scope.store.digest_key(), item);
      item.needs = resource_needs(row->resource);
      for (const auto& b : item.blobs) work.blobs->add(b);
      work.upsert.push_back(std::move(item));
    } else {
      continue;
    }
    work.entries.emplace(entry.id, std::move(entry));
  }
}

}  // namespace

Work prepare_commit(const Scope& scope, const std::shared_ptr<const source::Snapshot>& snapshot,
                    const store::ApplicationState& before, bool full, bool force, NeedIndex& needs) {
  const auto& app = scope.application;
  const auto& uid = app.uid;
  Work work;
  work.blobs = std::make_shared<SnapshotBlobs>(snapshot);
  work.mode = force ? protocol::PlanMode::full : protocol::PlanMode::changed;
  const bool incremental = !full && !force && before.last_succeeded &&
                           before.last_sync == before.last_succeeded && scope.mirror->has(before.revision);
  if (!needs.loaded()) needs.load(scope.store.declared(uid));

  std::vector<source::TreeEntry> manifests;
  std::vector<store::Declared> old_rows;
  if (incremental) {
    const auto then = scope.mirror->snapshot(before.revision);
    work.reread = changed_manifests(scope, *snapshot, *then, needs);
    // The path itself must still be a folder: a vanished one is an error, never an empty set.
    const auto root = snapshot->entry(app.path);
    if (!root || root->kind != source::EntryKind::directory) render::manifests(*snapshot, app);
    for (const auto& path : work.reread) {
      if (auto entry = snapshot->entry(path)) manifests.push_back(*entry);
    }
    old_rows = scope.store.declared_in(uid, {work.reread.begin(), work.reread.end()});
  } else {
    manifests = render::manifests(*snapshot, app);
    for (const auto& entry : manifests) work.reread.insert(entry.path);
    old_rows = scope.store.declared(uid);
    for (const auto& row : old_rows) work.reread.insert(row.path);
  }

  std::vector<Item> items =
      resolve_documents(scope, *snapshot, read_documents(*snapshot, manifests), *work.blobs);
  refuse_duplicates(scope, snapshot->commit(), items, work.reread, incremental);

  std::map<ResourceId, const store::Declared*> old_by_id;
  for (const auto& row : old_rows) old_by_id.emplace(row.id, &row);
  std::set<ResourceId> ids;
  for (const auto& item : items) {
    ids.insert(item.resource.id);
    store::Declared row = to_declared(item);
    const auto it = old_by_id.find(item.resource.id);
    if (it == old_by_id.end() || *it->second != row) work.declared.put.push_back(std::move(row));
  }
  for (const auto& row : old_rows) {
    if (!ids.contains(row.id)) work.declared.removed.push_back(row.id);
  }

  std::vector<ResourceId> concerned(ids.begin(), ids.end());
  concerned.insert(concerned.end(), work.declared.removed.begin(), work.declared.removed.end());
  std::map<ResourceId, store::InventoryEntry> inventory;
  for (auto& e : incremental ? scope.store.inventory(uid, concerned) : scope.store.inventory(uid)) {
    ResourceId id = e.id;
    inventory.emplace(std::move(id), std::move(e));
  }

  std::vector<Problem> problems;
  for (auto& item : items) {
    const auto it = inventory.find(item.resource.id);
    const bool changed = force || it == inventory.end() || it->second.owned_digest != item.document.digest ||
                         it->second.intended_sync;
    if (it == inventory.end()) refuse_foreign_owned(scope, snapshot->commit(), item, problems);
    if (!changed) {
      ++work.unchanged;
      continue;
    }
    if (it != inventory.end()) work.entries.emplace(it->first, it->second);
    work.upsert.push_back(item);
  }
  if (!problems.empty()) throw Failure(std::move(problems));
  for (const auto& [id, entry] : inventory) {
    if (ids.contains(id) || entry.owned_digest.empty()) continue;
    work.remove.push_back(id);
    work.entries.emplace(id, entry);
  }
  if (incremental) {
    std::set<ResourceId> handled(concerned.begin(), concerned.end());
    add_unsettled(scope, handled, work);
  }
  sort_by_requirements(work.upsert);
  work.reread_items = std::move(items);
  return work;
}

}  // namespace gitopsd::sync
