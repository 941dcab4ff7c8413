#include "daemon/source/mirror.h"

#include <mutex>

#include "base/log.h"
#include "daemon/source/address.h"
#include "daemon/source/check.h"
#include "daemon/source/fetch.h"
#include "daemon/source/object.h"
#include "daemon/source/pins.h"
#include "daemon/source/reach.h"
#include "daemon/source/refs.h"
#include "daemon/source/renew.h"
#include "daemon/source/repack.h"
#include "daemon/source/session.h"
#include "daemon/source/shelf.h"
#include "daemon/source/snapshot.h"
#include "daemon/source/turns.h"

namespace gitopsd::source {

namespace {

class DepotMirror : public Mirror {
 public:
  explicit DepotMirror(const std::string& directory)
      : shelf_(directory), depot_(shelf_.open()), pins_(*depot_) {}

  FetchResult fetch(const Remote& remote, const Ref& ref, const std::optional<CommitId>& wanted,
                    const Cancel& cancel) override;
  std::map<Ref, CommitId> remote_refs(const Remote& remote, const std::vector<std::string>& patterns,
                                      const Cancel& cancel) override;
  std::optional<CommitId> peel(const CommitId& id) const override;
  bool has(const CommitId& id) const override;
  std::optional<CommitId> find(const std::string& prefix) const override;
  Standing standing(const CommitId& commit, const CommitId& tip, const CommitId& applied) const override;
  std::shared_ptr<const Snapshot> snapshot(const CommitId& commit) const override;
  void pin(const std::string& name, const CommitId& commit) override;
  void unpin(const std::string& name) override;
  std::vector<std::string> pins() const override;
  void maintain(const Cancel& cancel) override;

 private:
  std::shared_ptr<Depot> depot() const;
  FetchResult fetch_into(const Operation&, const Address&, Depot&, const Ref&,
                         const std::optional<CommitId>& wanted);
  void renew(const Operation&, const Address&, const Ref&);
  void maintain_quietly(const Cancel&);

  Shelf shelf_;
  mutable std::mutex depot_mutex_;
  std::shared_ptr<Depot> depot_;
  Pins pins_;
  Turns fetching_;
  std::mutex maintaining_;
  Sessions sessions_;
  mutable Reach reach_;
};

std::shared_ptr<Depot> DepotMirror::depot() const {
  const std::lock_guard lock(depot_mutex_);
  return depot_;
}

FetchResult DepotMirror::fetch(const Remote& remote, const Ref& ref, const std::optional<CommitId>& wanted,
                               const Cancel& cancel) {
  const Address address = parse_address(remote.name, remote.url);
  const Operation operation(remote, address.place(), cancel);
  FetchResult result;
  {
    const Turns::Turn turn(fetching_, [&] { operation.check("waiting for another fetch"); });
    if (depot()->damaged()) renew(operation, address, ref);
    result = fetch_into(operation, address, *depot(), ref, wanted);
  }
  // Whoever forgets maintain() still gets a bounded number of packs.
  if (result.fetched_anything && pack_files(depot()->path()).size() >= 2 * kPacks) maintain_quietly(cancel);
  return result;
}

FetchResult DepotMirror::fetch_into(const Operation& operation, const Address& address, Depot& depot,
                                    const Ref& ref, const std::optional<CommitId>& wanted) {
  bool again = false;
  FetchResult result = sessions_.use(operation, address, true, [&](UploadPack& pack) {
    FetchResult out = fetch_ref(operation, pack, depot, ref, wanted);
    again = out.tip && wanted && !wanted->empty() && !wanted->is_zero() && !pack.can_fetch();
    return out;
  });
  if (again && !has(*wanted)) {
    // An old server closed the connection after the tip's pack; the commit needs one of its own.
    UploadPack pack(open_service(address));
    result.fetched_anything |= fetch_ref(operation, pack, depot, ref, wanted).fetched_anything;
  }
  return result;
}

void DepotMirror::renew(const Operation& operation, const Address& address, const Ref& ref) {
  const auto old = depot();
  log::warning("cloning a damaged mirror anew",
               {{"repository", operation.remote().name.str()}, {"mirror", old->path()}});
  const auto next = shelf_.begin_next();
  fetch_into(operation, address, *next, ref, std::nullopt);
  UploadPack pack(open_service(address));
  pack.refs(operation, {ref.str()});
  carry_over(operation, pack, *old, *next);
  const auto fresh = shelf_.finish_next(next);
  {
    const std::lock_guard lock(depot_mutex_);
    depot_ = fresh;
  }
  pins_.carry_over(*fresh);
}

std::map<Ref, CommitId> DepotMirror::remote_refs(const Remote& remote,
                                                 const std::vector<std::string>& patterns,
                                                 const Cancel& cancel) {
  const Address address = parse_address(remote.name, remote.url);
  const Operation operation(remote, address.place(), cancel);
  // Polls are minutes apart: a connection kept for the next one would only be one that the server has closed.
  return sessions_.use(operation, address, false,
                       [&](UploadPack& pack) { return list_refs(operation, pack, patterns); });
}

std::optional<CommitId> DepotMirror::peel(const CommitId& id) const {
  const auto depot = this->depot();
  const auto lease = depot->lease();
  return peel_to_commit(*depot, lease, id);
}

bool DepotMirror::has(const CommitId& id) const {
  const auto depot = this->depot();
  const auto lease = depot->lease();
  return !id.empty() && object_header(lease, id).has_value();
}

std::optional<CommitId> DepotMirror::find(const std::string& prefix) const {
  const auto depot = this->depot();
  const auto lease = depot->lease();
  const auto id = find_object(lease, prefix);
  return id ? peel_to_commit(*depot, lease, *id) : std::nullopt;
}

Standing DepotMirror::standing(const CommitId& commit, const CommitId& tip, const CommitId& applied) const {
  return reach_.standing(*depot(), commit, tip, applied);
}

std::shared_ptr<const Snapshot> DepotMirror::snapshot(const CommitId& commit) const {
  return std::make_shared<DepotSnapshot>(depot(), commit);
}

void DepotMirror::pin(const std::string& name, const CommitId& commit) {
  pins_.pin(*depot(), name, commit);
}

void DepotMirror::unpin(const std::string& name) {
  pins_.unpin(*depot(), name);
}

std::vector<std::string> DepotMirror::pins() const {
  return pins_.names();
}

void DepotMirror::maintain_quietly(const Cancel& cancel) {
  try {
    maintain(cancel);
  } catch (const Failure& failure) {
    // The fetch itself went well; what cannot be packed is found damaged when it is read.
    log::warning("a mirror could not be repacked",
                 {{"mirror", depot()->path()}, {"problem", failure.what()}});
  }
}

void DepotMirror::maintain(const Cancel& cancel) {
  const std::unique_lock lock(maintaining_, std::try_to_lock);
  if (!lock || depot()->damaged()) return;
  pack_refs(*depot());
  merge_packs(*depot(), cancel);
  if (!has_grown(*depot())) return;
  // Only this may drop what a fetch has just found to be there already.
  const Turns::Turn no_fetch(fetching_, [&] {
    if (cancel.requested()) throw fail(ProblemCause::transient, "mirror: maintenance was asked to stop");
  });
  keep_needed(*depot(), cancel);
}

}  // namespace

std::unique_ptr<Mirror> open_mirror(const std::string& directory) {
  return std::make_unique<DepotMirror>(directory);
}

}  // namespace gitopsd::source
