#include "daemon/source/renew.h"

#include "base/log.h"
#include "daemon/source/fetch.h"
#include "daemon/source/object.h"
#include "daemon/source/refs.h"

namespace gitopsd::source {

namespace {

bool has(Depot& depot, const CommitId& id) {
  const auto lease = depot.lease();
  return object_header(lease, id).has_value();
}

/// A pack of the commit and all before it, from the old depot straight into the new one.
bool salvage(Depot& old, Depot& fresh, const CommitId& id) {
  const auto lease = old.lease();
  git_packbuilder* raw = nullptr;
  if (git_packbuilder_new(&raw, lease.repository()) != 0) return false;
  const std::unique_ptr<git_packbuilder, Free<git_packbuilder_free>> builder(raw);
  git_packbuilder_set_threads(raw, 1);
  git_revwalk* walk = nullptr;
  if (git_revwalk_new(&walk, lease.repository()) != 0) return false;
  const std::unique_ptr<git_revwalk, Free<git_revwalk_free>> owner(walk);
  const auto commit = peel_to_commit(old, lease, id);
  if (!commit) return false;
  const git_oid oid = to_oid(*commit), tag = to_oid(id);
  const std::string folder = fresh.path() + "/objects/pack";
  return (*commit == id || git_packbuilder_insert(raw, &tag, nullptr) == 0) &&
         git_revwalk_push(walk, &oid) == 0 && git_packbuilder_insert_walk(raw, walk) == 0 &&
         git_packbuilder_write(raw, folder.c_str(), 0444, nullptr, nullptr) == 0;
}

}  // namespace

void carry_over(const Operation& operation, UploadPack& pack, Depot& old, Depot& fresh) {
  std::vector<LocalRef> refs;
  {
    const auto lease = old.lease();
    refs = local_refs(lease, kAllRefs);
  }
  std::vector<CommitId> have;
  bool asks = true;
  for (const LocalRef& ref : refs) {
    if (!has(fresh, ref.id) && asks && pack.can_fetch()) {
      // A connection on which an id was refused is at its end.
      asks = fetch_ids(operation, pack, fresh, {ref.id}, have);
    }
    if (!has(fresh, ref.id) && !salvage(old, fresh, ref.id)) {
      git_error_clear();
      log::warning("a revision could not be carried over into the new mirror",
                   {{"mirror", old.path()}, {"ref", ref.name}, {"commit", ref.id.str()}});
      continue;
    }
    const auto lease = fresh.lease();
    write_ref(fresh, lease, ref.name, ref.id);
    have.push_back(ref.id);
  }
}

}  // namespace gitopsd::source
