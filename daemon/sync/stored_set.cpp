// Rollback, heal and delete: they work from the store's documents alone and need neither forge nor renderer.
#include <algorithm>

#include "daemon/render/place.h"
#include "daemon/sync/work.h"

namespace gitopsd::sync {
namespace {

using namespace std::chrono_literals;

std::shared_ptr<SnapshotBlobs> blobs_of(const Scope& scope, const CommitId& revision,
                                        const std::vector<Item>& items) {
  const bool any = std::any_of(items.begin(), items.end(), [](const Item& i) { return !i.blobs.empty(); });
  std::shared_ptr<const source::Snapshot> snapshot;
  if (any && scope.mirror->has(revision)) snapshot = scope.snapshot(revision);
  auto blobs = std::make_shared<SnapshotBlobs>(snapshot);
  for (const auto& item : items) {
    for (const auto& b : item.blobs) blobs->add(b);
  }
  return blobs;
}

}  // namespace

Item stored_item(const Scope& scope, const store::Declared& row) {
  Item item;
  item.resource = decode_resource(row.id, row.digest, row.resource);
  item.path = row.path;
  item.index = row.index;
  item.document.digest = row.digest;
  const auto bytes = scope.store.document(row.digest);
  if (!bytes) {
    throw fail(ProblemCause::internal, "the store has no document for " + row.id.str() + " any more",
               "push a commit, or run gitopsctl sync " + scope.application.name.str());
  }
  unpack_document(*bytes, scope.store.digest_key(), item);
  item.needs = resource_needs(row.resource);
  return item;
}

Work prepare_rollback(const Scope& scope, const store::Sync& target, bool owes_hooks) {
  const auto& uid = scope.application.uid;
  Work work;
  work.mode = protocol::PlanMode::changed;
  std::map<ResourceId, store::Declared> current;
  for (auto& row : scope.store.declared(uid)) current.emplace(row.id, std::move(row));
  std::map<ResourceId, store::InventoryEntry> inventory;
  for (auto& e : scope.store.inventory(uid)) inventory.emplace(e.id, e);

  std::set<ResourceId> wanted;
  std::vector<store::Declared> hooks;  // as they were declared, too
  for (const auto& row : scope.store.declared_at(uid, target.id)) {
    wanted.insert(row.id);
    const auto declared = current.find(row.id);
    if (declared == current.end() || declared->second != row) work.declared.put.push_back(row);
    const auto entry = inventory.find(row.id);
    const bool as_it_was = entry != inventory.end() && entry->second.owned_digest == row.digest &&
                           !entry->second.intended_sync && entry->second.from.empty();
    if (is_hook(row.resource) &&
        (as_it_was || only_after_failure(decode_resource(row.id, row.digest, row.resource)))) {
      hooks.push_back(row);
      continue;
    }
    if (as_it_was) {
      ++work.unchanged;
      continue;
    }
    if (entry != inventory.end()) work.entries.emplace(row.id, entry->second);
    work.upsert.push_back(stored_item(scope, row));
  }
  for (const auto& [id, row] : current) {
    if (!wanted.contains(id)) work.declared.removed.push_back(id);
  }
  for (const auto& [id, entry] : inventory) {
    if (wanted.contains(id) || entry.owned_digest.empty()) continue;
    work.remove.push_back(id);
    work.entries.emplace(id, entry);
  }
  if (owes_hooks || changes_anything(work)) {
    for (const auto& row : hooks) {
      if (const auto entry = inventory.find(row.id); entry != inventory.end())
        work.entries.emplace(row.id, entry->second);
      work.upsert.push_back(stored_item(scope, row));
    }
  }
  sort_by_requirements(work.upsert);
  work.blobs = blobs_of(scope, target.revision, work.upsert);
  return work;
}

std::optional<Item> owned_item(const Scope& scope, const store::InventoryEntry& entry) {
  const auto row = scope.store.declared_id(scope.application.uid, entry.id);
  if (row && row->digest == entry.owned_digest) return stored_item(scope, *row);
  // What a sync applied that still waits or failed afterwards; what it is about to change is its matter.
  if (entry.intended_sync || entry.resource.empty() || !scope.store.document(entry.owned_digest)) return {};
  Item item = stored_item(scope, {entry.id, entry.owned_digest, {}, 0, entry.resource});
  item.commit = applied_commit(entry);
  return item;
}

CommitId commit_of(const store::InventoryEntry& entry, const std::optional<store::Declared>& declared) {
  return declared && declared->digest == entry.owned_digest ? CommitId{} : applied_commit(entry);
}

Work prepare_heal(const Scope& scope, const std::vector<ResourceId>& drifted) {
  Work work;
  work.mode = protocol::PlanMode::heal;
  for (auto& entry : scope.store.inventory(scope.application.uid, drifted)) {
    auto item = owned_item(scope, entry);
    if (!item || !item->resource.hooks.empty()) continue;
    work.upsert.push_back(std::move(*item));
    work.entries.emplace(entry.id, std::move(entry));
  }
  sort_by_requirements(work.upsert);
  const auto state = scope.store.application(scope.application.uid);
  CommitId revision = state ? state->revision : CommitId{};
  for (const auto& item : work.upsert)  // its mirror has all blobs, whichever commit they are read at
    if (!item.blobs.empty() && !item.commit.empty() && !scope.mirror->has(revision)) revision = item.commit;
  work.blobs = blobs_of(scope, revision, work.upsert);
  return work;
}

Work prepare_delete(const Scope& scope) {
  Work work;
  work.mode = protocol::PlanMode::remove;
  work.blobs = std::make_shared<SnapshotBlobs>(nullptr);
  for (auto& entry : scope.store.inventory(scope.application.uid)) {
    if (!entry.owned_digest.empty()) work.remove.push_back(entry.id);
    work.entries.emplace(entry.id, std::move(entry));
  }
  for (const auto& row : scope.store.declared(scope.application.uid)) work.declared.removed.push_back(row.id);
  return work;
}

protocol::ObserveRequest observe_request(const Scope& scope) {
  protocol::ObserveRequest request;
  request.owner = {scope.installation, scope.application.uid.str()};
  request.policy = scope.application.policy;
  return request;
}

void settle_open_intents(const Scope& scope, SyncId sync, bool leaving) {
  std::vector<store::InventoryEntry> open;
  for (auto& e : scope.store.unsettled(scope.application.uid)) {
    if (e.intended_sync) open.push_back(std::move(e));
  }
  if (open.empty()) return;
  auto request = observe_request(scope);
  request.full = true;
  for (const auto& e : open) request.entries.push_back(wire_entry(e));
  const auto result = scope.provider->observe(request, nullptr, Monotonic::now() + 60s);
  std::vector<store::Store::Settled> settled;
  for (const auto& seen : result.observations) {
    const auto it = std::find_if(open.begin(), open.end(), [&](const auto& e) { return e.id == seen.id; });
    if (it == open.end()) continue;
    // Absent settles only what was to be deleted or was never proven: a change that was cut off between
    // taking away and putting back, or a drift meanwhile, leaves something that is still owned and has to
    // come back.
    const bool never_ours = it->owned_digest.empty();
    if ((seen.live == protocol::Live::absent && (it->intended_digest.empty() || never_ours)) ||
        (seen.live == protocol::Live::foreign && never_ours && leaving)) {
      settled.push_back({seen.id, true, {}, {}, {}});
    } else if (seen.live == protocol::Live::ours && never_ours) {
      // Ours, but of which content nobody recorded: a digest that no document has makes it count as changed.
      settled.push_back({seen.id, false, "unproven", seen.receipt, {}});
    }
    // foreign and unknown stay open: counted as changed, and never deleted without an owned half.
  }
  if (!settled.empty()) scope.store.settle(scope.application.uid, sync, settled);
}

const ResourceId* gone_requirement(const Item& item, const std::set<ResourceId>& gone) {
  const auto& needs = item.resource.requires_;
  const auto found =
      std::find_if(needs.begin(), needs.end(), [&](const auto& id) { return gone.contains(id); });
  return found == needs.end() ? nullptr : &*found;
}

std::int64_t leave_out(std::set<ResourceId>& gone, const CommitId& commit, std::vector<Item>& items,
                       std::vector<Problem>& left_out) {
  for (bool more = !gone.empty(); more;) {
    more = false;
    for (const auto& item : items) {
      const auto* missing = gone_requirement(item, gone);
      if (!missing || !gone.insert(item.resource.id).second) continue;
      left_out.push_back({ProblemCause::input,
                          item.resource.id.str() + " requires " + missing->str() + ", which is left out",
                          {},
                          render::place(commit, item.path),
                          item.position({})});
      more = true;
    }
  }
  const auto goes = [&](const Item& item) { return gone.contains(item.resource.id); };
  if (std::any_of(items.begin(), items.end(),
                  [&](const Item& item) { return goes(item) && !item.resource.hooks.empty(); }))
    throw Failure(left_out);
  return static_cast<std::int64_t>(std::erase_if(items, goes));
}

void sort_by_requirements(std::vector<Item>& items) {
  std::map<ResourceId, std::size_t> position;
  for (std::size_t i = 0; i < items.size(); ++i) position.emplace(items[i].resource.id, i);
  std::vector<int> open(items.size(), 0);
  std::vector<std::vector<std::size_t>> dependants(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    for (const auto& id : items[i].resource.requires_) {
      const auto it = position.find(id);
      if (it == position.end() || it->second == i) continue;
      dependants[it->second].push_back(i);
      ++open[i];
    }
  }
  std::set<std::size_t> ready;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (open[i] == 0) ready.insert(i);
  }
  std::vector<Item> sorted;
  sorted.reserve(items.size());
  while (!ready.empty()) {
    const std::size_t i = *ready.begin();
    ready.erase(ready.begin());
    for (const std::size_t d : dependants[i]) {
      if (--open[d] == 0) ready.insert(d);
    }
    sorted.push_back(std::move(items[i]));
  }
  if (sorted.size() == position.size()) {
    items = std::move(sorted);
    return;
  }
  std::string names;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (open[i] > 0) names += (names.empty() ? "" : ", ") + items[i].resource.id.str();
  }
  throw fail(ProblemCause::input, "these resources require each other in a circle: " + names.substr(0, 1000),
             "remove one of the requirements");
}

}  // namespace gitopsd::sync
