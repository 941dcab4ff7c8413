// What one sync has to bring about: the changed set with everything that planning and applying it needs.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "config/config.h"
#include "daemon/render/bases.h"
#include "daemon/render/external.h"
#include "daemon/render/render.h"
#include "daemon/source/mirror.h"
#include "daemon/store/store.h"
#include "daemon/sync/blobs.h"
#include "daemon/sync/item.h"
#include "daemon/sync/need_index.h"
#include "daemon/sync/provider.h"
#include "daemon/sync/resolve.h"

namespace gitopsd::sync {

struct Other;

/// What preparing and running a sync of one application works on. The owner outlives the run.
struct Scope {
  store::Store& store;
  std::shared_ptr<Provider> provider;
  std::shared_ptr<source::Mirror> mirror;
  const Clock& clock;
  config::Snapshot config;  ///< held to the end of the sync
  config::Application application;
  config::Destination destination;
  std::string installation;
  render::External external{};
  std::shared_ptr<render::Bases> bases{};  ///< nullptr: none but its own repository
  std::function<std::vector<Other>()>
      others{};  ///< the other applications of the destination, see handover.h

  /// With what its kustomizations may name of other repositories.
  std::shared_ptr<const source::Snapshot> snapshot(const CommitId& commit) const {
    return render::with_bases(mirror->snapshot(commit), bases);
  }
  Asking asking() const { return {*provider, application, store.digest_key()}; }
};

struct Work {
  protocol::PlanMode mode = protocol::PlanMode::changed;
  std::vector<Item> upsert;                             ///< requirements first
  std::vector<ResourceId> remove;                       ///< only what has an owned half
  std::map<ResourceId, store::InventoryEntry> entries;  ///< of upsert and remove, where there is one
  store::DeclaredChange declared;                       ///< against the last succeeded sync
  std::shared_ptr<SnapshotBlobs> blobs;
  std::int64_t unchanged = 0;
  /// What is wrong with documents that this is without, where the application's `invalid` lets the others be
  /// applied. Then it deletes nothing, and none of it is recorded as declared.
  std::vector<Problem> left_out;
  std::int64_t left_out_count = 0;  ///< documents, or files that cannot be read
  std::vector<ResourceId> put_off;  ///< it would delete them if nothing were left out

  // For the need index and the input key, once the sync succeeded.
  std::set<std::string>
      reads;  ///< what a renderer read: files, folders, and programs by their absolute paths
  std::set<std::string> reread;
  std::vector<Item> reread_items;
};

/// What a commit declares against what the inventory owns. Incremental from the last succeeded sync where
/// that is possible: costs what changed. `force`: everything, compared with the live state by the provider.
/// `owes_hooks`: with all hooks, although nothing else may be left to do. Throws Failure with every problem,
/// file, line and column, but for what may be left out.
Work prepare_commit(const Scope&, const std::shared_ptr<const source::Snapshot>&,
                    const store::ApplicationState& before, bool full, bool force, bool owes_hooks,
                    NeedIndex&);
/// The documents of an earlier succeeded sync, from the store alone.
Work prepare_rollback(const Scope&, const store::Sync& target, bool owes_hooks);
/// What an entry says was applied last, from the store; none where the store has it no more.
std::optional<Item> owned_item(const Scope&, const store::InventoryEntry&);
/// The commit whose bytes are applied; none where these are what is declared as of the last succeeded sync.
CommitId commit_of(const store::InventoryEntry&, const std::optional<store::Declared>& declared);
/// The last applied documents of resources that drifted.
Work prepare_heal(const Scope&, const std::vector<ResourceId>& drifted);
/// Nothing: all that the application owns goes.
Work prepare_delete(const Scope&);

/// A resource as the store keeps it.
Item stored_item(const Scope&, const store::Declared&);
/// Whether there is anything to do but to run hooks, which run with every change and never without one.
inline bool changes_anything(const Work& work) {
  return !work.upsert.empty() || !work.remove.empty();
}

/// A question about the live state of what the application owns; the entries are the caller's to add.
protocol::ObserveRequest observe_request(const Scope&);

/// Observes entries whose intent is still open after a crash or a lost answer, and settles them (promise 6).
/// `leaving`: the application is being deleted, what somebody else has there is none of its own.
void settle_open_intents(const Scope&, SyncId, bool leaving);

/// The first thing that the item requires of those that are `gone`; nullptr: none.
const ResourceId* gone_requirement(const Item&, const std::set<ResourceId>& gone);

/// Takes out of `items` those that are `gone`, and what requires any of them, directly or by others, which is
/// gone then, too, each with a problem more in `left_out`; returns how many. Throws Failure with all of these
/// where one is a hook: without it the rest may not be safe.
std::int64_t leave_out(std::set<ResourceId>& gone, const CommitId&, std::vector<Item>& items,
                       std::vector<Problem>& left_out);

/// Requirements before what requires them; the given order where there is no relation. A cycle throws
/// Failure.
void sort_by_requirements(std::vector<Item>&);

}  // namespace gitopsd::sync
