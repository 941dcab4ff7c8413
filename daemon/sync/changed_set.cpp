#include <algorithm>

#include "daemon/render/read_path.h"
#include "daemon/sync/handover.h"
#include "daemon/sync/problems.h"
#include "daemon/sync/read_commit.h"
#include "daemon/sync/work.h"

namespace gitopsd::sync {
namespace {

/// Where manifests declare things that were not read again. Reads each of them once.
class PlacesBefore {
 public:
  explicit PlacesBefore(const source::Snapshot& snapshot) : snapshot_(snapshot) {}

  std::string of(const store::Declared& row) {
    const auto [it, fresh] = lines_.try_emplace(row.path);
    if (fresh) it->second = lines_in(row.path);
    const auto line = it->second.find(row.index);
    return line == it->second.end() ? row.path : row.path + ":" + std::to_string(line->second);
  }

 private:
  std::map<int, int> lines_in(const std::string& path) const {
    std::map<int, int> lines;
    try {
      if (const auto entry = snapshot_.entry(path))
        for (const auto& document : render::read_manifests(snapshot_, {*entry}))
          lines.emplace(document.index, document.json.position.line);
    } catch (const Failure&) {  // it was valid when it was read last; its path says enough
    }
    return lines;
  }

  const source::Snapshot& snapshot_;
  std::map<std::string, std::map<int, int>> lines_;  ///< by path, by index of the document
};

/// Also of manifests that were not read again.
std::vector<Refused> duplicates_of(const Scope& scope, const source::Snapshot& snapshot,
                                   const std::vector<Item>& items, const std::set<std::string>& reread,
                                   bool partial) {
  if (!partial) return duplicates(snapshot.commit(), items);
  PlacesBefore places(snapshot);
  return duplicates(snapshot.commit(), items, [&](const ResourceId& id) {
    const auto row = scope.store.declared_id(scope.application.uid, id);
    return row && !reread.contains(row->path) ? places.of(*row) : std::string();
  });
}

/// What others own; what they are about to let go of is waited for.
std::vector<Refused> foreign_owned(const Scope& scope, const CommitId& commit, const std::vector<Item>& items,
                                   const std::map<ResourceId, store::InventoryEntry>& inventory) {
  std::map<ApplicationUid, std::vector<ResourceId>> owned;
  std::map<ResourceId, const Item*> of;
  for (const auto& item : items) {
    const auto& id = item.resource.id;
    if (inventory.contains(id)) continue;
    const auto owner = scope.store.owner_of(scope.destination.name, id, scope.application.uid);
    if (!owner) continue;
    owned[*owner].push_back(id);
    of.emplace(id, &item);
  }
  std::vector<Refused> problems;
  for (const auto& [owner, ids] : owned) {
    const auto soon = let_go_soon(scope, commit, owner, ids);
    for (const auto& id : ids) {
      const Item& item = *of.at(id);
      Problem problem{ProblemCause::conflict, id.str() + " belongs to application " + owner.str(),
                      "let one application declare it, or delete it from the other first; an application "
                      "that was renamed keeps what it owns with `uid: ITS-FIRST-NAME`",
                      place(commit, item.path), item.document.json.position};
      if (soon.contains(id)) {
        problem.cause = ProblemCause::transient;
        problem.message += ", which no longer declares it and has not let go of it yet";
        problem.hint = "gitopsctl status " + owner.str() + " shows what that waits for";
      }
      problems.push_back({id, std::move(problem)});
    }
  }
  return problems;
}

/// Throws Failure, unless `left_out` may take them.
void refuse(const std::vector<Refused>& refused, const CommitId& commit, std::vector<Item>& items,
            std::set<ResourceId>& gone, render::LeftOut* left_out) {
  if (refused.empty()) return;
  auto problems = problems_of(refused);
  if (!left_out || !may_be_left_out(problems)) throw Failure(std::move(problems));
  for (auto& problem : problems) left_out->problems.push_back(std::move(problem));
  for (const auto& [id, problem] : refused) gone.insert(id);
  left_out->count += leave_out(gone, commit, items, left_out->problems);
}

/// What documents declare that are not applied for something else in their file, or for their variables.
void add_readable(const Scope& scope, const source::Snapshot& snapshot, BlobMemory& memory,
                  SnapshotBlobs& blobs, render::LeftOut& left_out) {
  if (left_out.readable.empty()) return;
  render::LeftOut wrong;
  try {
    for (const auto& item :
         resolve_documents(scope.asking(), snapshot, std::move(left_out.readable), memory, blobs, &wrong)) {
      if (!item.resource.hooks.empty()) throw Failure(left_out.problems);
      left_out.ids.emplace(item.resource.id,
                           item.path + ":" + std::to_string(item.document.json.position.line));
    }
  } catch (const Failure& failure) {
    if (failure.cause() == ProblemCause::transient) throw;
    throw Failure(left_out.problems);  // a hook is among them
  }
  left_out.ids.merge(wrong.ids);
  left_out.unknown.merge(wrong.unknown);
}

/// What the documents that could not be read declared before is as good as known to be among them.
/// Where one of its file may be anything, it is so although another manifest declares it by now.
void add_known(const std::vector<store::Declared>& rows, const std::vector<Item>& items,
               render::LeftOut& left_out, std::set<ResourceId>& gone) {
  std::map<ResourceId, const std::string*> now;
  for (const auto& item : items) now.emplace(item.resource.id, &item.path);
  for (const auto& row : rows) {
    if (!left_out.paths.contains(row.path)) continue;
    const auto here = now.find(row.id);
    if (here != now.end() && (*here->second == row.path || !left_out.unknown.contains(row.path))) continue;
    if (is_hook(row.resource)) throw Failure(left_out.problems);
    gone.insert(row.id);
    left_out.ids.emplace(row.id, row.path);
  }
}

/// Of two that declare the same neither is applied, where one is left out.
void tell_twins(const std::set<ResourceId>& gone, const CommitId& commit, const std::vector<Item>& items,
                render::LeftOut& left_out) {
  for (const auto& item : items) {
    if (!gone.contains(item.resource.id)) continue;
    const auto other = left_out.ids.find(item.resource.id);
    left_out.problems.push_back(
        twin_of_left_out(commit, item, other == left_out.ids.end() ? std::string() : other->second));
  }
}

/// Whether it was handed over for a newer commit than this one.
bool is_for_later(const Scope& scope, const CommitId& commit, const store::InventoryEntry& entry) {
  return !entry.handed_at.empty() && entry.handed_at != commit && scope.mirror->has(entry.handed_at) &&
         scope.mirror->standing(commit, entry.handed_at, CommitId{}) == source::Standing::ahead;
}

/// Adds what an earlier, unfinished sync left different from what is declared now.
void add_unsettled(const Scope& scope, const CommitId& commit, const std::set<ResourceId>& handled,
                   Work& work) {
  for (auto& entry : scope.store.unsettled(scope.application.uid)) {
    if (handled.contains(entry.id)) continue;
    const auto row = scope.store.declared_id(scope.application.uid, entry.id);
    if (!row) {
      if (is_for_later(scope, commit, entry)) continue;
      if (!entry.owned_digest.empty()) work.remove.push_back(entry.id);
    } else if (row->digest != entry.owned_digest || entry.intended_sync || !entry.from.empty()) {
      Item item = stored_item(scope, *row);
      if (only_after_failure(item.resource)) continue;
      for (const auto& b : item.blobs) work.blobs->add(b);
      work.upsert.push_back(std::move(item));
    } else {
      continue;
    }
    work.entries.emplace(entry.id, std::move(entry));
  }
}

/// Hooks of which nothing changed run with what did. `here`: those of the manifests that were read.
void add_hooks(const Scope& scope, std::vector<Item> here, const std::vector<ResourceId>& elsewhere,
               Work& work) {
  std::set<ResourceId> there;
  for (const auto& item : work.upsert) there.insert(item.resource.id);
  for (const auto& id : elsewhere) {
    const auto row = scope.store.declared_id(scope.application.uid, id);
    if (row && !there.contains(id)) here.push_back(stored_item(scope, *row));
  }
  std::vector<ResourceId> ids;
  for (auto& item : here) {
    for (const auto& b : item.blobs) work.blobs->add(b);
    ids.push_back(item.resource.id);
    work.upsert.push_back(std::move(item));
  }
  for (auto& entry : scope.store.inventory(scope.application.uid, ids)) {
    ResourceId id = entry.id;
    work.entries.emplace(std::move(id), std::move(entry));
  }
}

/// Takes out of rendered documents those that the application declared before, with what they meant then.
std::vector<Item> take_known(std::vector<render::Document>& documents,
                             const std::vector<store::Declared>& rows, const Scope& scope) {
  std::map<std::string, const store::Declared*> by_digest;
  for (const auto& row : rows) by_digest.emplace(row.digest, &row);
  std::vector<Item> known;
  std::vector<render::Document> others;
  for (auto& document : documents) {
    // Files that a document needs are part of its digest: one that needs some is never found here.
    const auto digest = render::document_digest(scope.store.digest_key(), document.json, {});
    const auto row = by_digest.find(digest);
    if (row == by_digest.end()) {
      others.push_back(std::move(document));
      continue;
    }
    Item item;
    item.resource = decode_resource(row->second->id, digest, row->second->resource);
    item.path = document.path;
    item.index = document.index;
    item.document.digest = digest;
    item.document.json = std::move(document.json);
    known.push_back(std::move(item));
  }
  documents = std::move(others);
  return known;
}

}  // namespace

Work prepare_commit(const Scope& scope, const std::shared_ptr<const source::Snapshot>& snapshot,
                    const store::ApplicationState& before, bool full, bool force, bool owes_hooks,
                    NeedIndex& needs) {
  const auto& app = scope.application;
  const auto& uid = app.uid;
  Work work;
  work.blobs = std::make_shared<SnapshotBlobs>(snapshot);
  work.mode = force ? protocol::PlanMode::full : protocol::PlanMode::changed;
  const bool incremental = !full && !force && before.last_succeeded &&
                           before.last_sync == before.last_succeeded && scope.mirror->has(before.revision);
  if (!needs.loaded()) needs.load(scope.store.declared(uid));

  render::LeftOut invalid;
  render::LeftOut* const left_out = app.invalid == config::InvalidPolicy::skip ? &invalid : nullptr;
  Declares declares = read_commit(scope, *snapshot, before, incremental, needs, left_out);
  const bool partial = declares.partial;
  work.reread = std::move(declares.manifests);
  work.reads = std::move(declares.reads);
  // What these paths name never changes, and nobody but their reader finds them.
  std::erase_if(work.reads, [](const std::string& path) { return render::is_in_bases(path); });
  const auto old_rows = partial ? scope.store.declared_in(uid, {work.reread.begin(), work.reread.end()})
                                : scope.store.declared(uid);
  for (const auto& row : old_rows) work.reread.insert(row.path);

  std::vector<Item> items;
  if (incremental && declares.rendered) items = take_known(declares.documents, old_rows, scope);
  for (auto& item : resolve_documents(scope.asking(), *snapshot, std::move(declares.documents), needs.files,
                                      *work.blobs, left_out))
    items.push_back(std::move(item));
  add_readable(scope, *snapshot, needs.files, *work.blobs, invalid);
  std::set<ResourceId> gone;
  for (const auto& [id, at] : invalid.ids) gone.insert(id);
  tell_twins(gone, snapshot->commit(), items, invalid);
  invalid.count += leave_out(gone, snapshot->commit(), items, invalid.problems);
  refuse(duplicates_of(scope, *snapshot, items, work.reread, partial), snapshot->commit(), items, gone,
         left_out);

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
  for (auto& e : partial ? scope.store.inventory(uid, concerned) : scope.store.inventory(uid)) {
    ResourceId id = e.id;
    inventory.emplace(std::move(id), std::move(e));
  }

  refuse(foreign_owned(scope, snapshot->commit(), items, inventory), snapshot->commit(), items, gone,
         left_out);
  std::vector<Item> hooks;
  for (auto& item : items) {
    const auto it = inventory.find(item.resource.id);
    const bool differs = it == inventory.end() || it->second.owned_digest != item.document.digest ||
                         it->second.intended_sync || !it->second.from.empty();
    if (!item.resource.hooks.empty() && (!differs || only_after_failure(item.resource))) {
      hooks.push_back(item);
      continue;
    }
    if (!differs && !force) {
      ++work.unchanged;
      continue;
    }
    if (it != inventory.end()) work.entries.emplace(it->first, it->second);
    work.upsert.push_back(item);
  }
  for (const auto& [id, entry] : inventory) {
    if (ids.contains(id) || entry.owned_digest.empty() || is_for_later(scope, snapshot->commit(), entry))
      continue;
    work.remove.push_back(id);
    work.entries.emplace(id, entry);
  }
  if (partial) {
    std::set<ResourceId> handled(concerned.begin(), concerned.end());
    add_unsettled(scope, snapshot->commit(), handled, work);
  }
  if (owes_hooks || changes_anything(work))
    add_hooks(scope, std::move(hooks), partial ? needs.hooks_without(work.reread) : std::vector<ResourceId>(),
              work);
  if (!invalid.problems.empty()) {
    add_known(old_rows, items, invalid, gone);
    tell_twins(gone, snapshot->commit(), work.upsert, invalid);
    work.left_out = std::move(invalid.problems);
    work.left_out_count = invalid.count + leave_out(gone, snapshot->commit(), work.upsert, work.left_out);
    work.put_off = std::exchange(work.remove, {});
    std::erase_if(work.put_off, [&](const ResourceId& id) { return gone.contains(id); });
  }
  sort_by_requirements(work.upsert);
  work.reread_items = std::move(items);
  return work;
}

}  // namespace gitopsd::sync
