#include "daemon/source/mirror.h"

#include <condition_variable>
#include <mutex>

#include "base/log.h"
#include "daemon/source/address.h"
#include "daemon/source/check.h"
#include "daemon/source/fetch.h"
#include "daemon/source/object.h"
#include "daemon/source/reach.h"
#include "daemon/source/refs.h"
#include "daemon/source/renew.h"
#include "daemon/source/repack.h"
#include "daemon/source/session.h"
#include "daemon/source/shelf.h"
#include "daemon/source/snapshot.h"

namespace gitopsd::source {

namespace {

class DepotMirror : public Mirror {
 public:
  explicit DepotMirror(const std::string& directory) : shelf_(directory), depot_(shelf_.open()) {}

  FetchResult fetch(const Remote& remote, const Ref& ref, const std::optional<CommitId>& wanted,
                    const Cancel& cancel) override;
  std::map<Ref, CommitId> remote_refs(const Remote& remote, const std::vector<std::string>& patterns,
                                      const Cancel& cancel) override;
  std::optional<CommitId> peel(const CommitId& id) const override;
  bool has(const CommitId& id) const override;
  Standing standing(const CommitId& commit, const CommitId& tip, const CommitId& applied) const override;
  std::shared_ptr<const Snapshot> snapshot(const CommitId& commit) const override;
  void pin(const std::string& name, const CommitId& commit) override;
  void unpin(const std::string& name) override;
  std::vector<std::string> pins() const override;
  void maintain(const Cancel& cancel) override;

 private:
  /// One fetch or repack at a time; waits for it no longer than the caller has.
  class Turn {
   public:
    template <class Check>
    Turn(DepotMirror& mirror, const Check& check) : mirror_(mirror) {
      std::unique_lock lock(mirror.turn_mutex_);
      while (mirror.busy_) {
        mirror.turn_.wait_for(lock, std::chrono::milliseconds(20));
        check();
      }
      mirror.busy_ = true;
    }
    ~Turn() {
      const std::lock_guard lock(mirror_.turn_mutex_);
      mirror_.busy_ = false;
      mirror_.turn_.notify_one();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    DepotMirror& mirror_;
  };

  std::shared_ptr<Depot> depot() const;
  FetchResult fetch_into(const Operation&, const Address&, Depot&, const Ref&,
                         const std::optional<CommitId>& wanted);
  void renew(const Operation&, const Address&, const Ref&);
  void repack_when_due(Depot&, const Cancel&, std::size_t packs);

  Shelf shelf_;
  mutable std::mutex depot_mutex_;
  std::shared_ptr<Depot> depot_;
  std::mutex turn_mutex_;
  std::condition_variable turn_;
  bool busy_ = false;
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
  const Turn turn(*this, [&] { operation.check("waiting for another fetch"); });
  if (depot()->damaged()) renew(operation, address, ref);
  const auto depot = this->depot();
  FetchResult result = fetch_into(operation, address, *depot, ref, wanted);
  // Whoever forgets maintain() still gets a bounded number of packs.
  if (result.fetched_anything) repack_when_due(*depot, cancel, 2 * kPacks);
  return result;
}

FetchResult DepotMirror::fetch_into(const Operation& operation, const Address& address, Depot& depot,
                                    const Ref& ref, const std::optional<CommitId>& wanted) {
  bool again = false;
  FetchResult result = sessions_.use(operation, address, [&](UploadPack& pack) {
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
  const std::lock_guard lock(depot_mutex_);
  depot_ = fresh;
}

std::map<Ref, CommitId> DepotMirror::remote_refs(const Remote& remote,
                                                 const std::vector<std::string>& patterns,
                                                 const Cancel& cancel) {
  const Address address = parse_address(remote.name, remote.url);
  const Operation operation(remote, address.place(), cancel);
  return sessions_.use(operation, address,
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

Standing DepotMirror::standing(const CommitId& commit, const CommitId& tip, const CommitId& applied) const {
  return reach_.standing(*depot(), commit, tip, applied);
}

std::shared_ptr<const Snapshot> DepotMirror::snapshot(const CommitId& commit) const {
  return std::make_shared<DepotSnapshot>(depot(), commit);
}

void DepotMirror::pin(const std::string& name, const CommitId& commit) {
  const auto depot = this->depot();
  const auto lease = depot->lease();
  if (!peel_to_commit(*depot, lease, commit))
    throw fail(ProblemCause::input,
               "mirror " + depot->path() + ": commit " + commit.str() + " is not here to be kept");
  write_ref(*depot, lease, pin_name(name), commit);
}

void DepotMirror::unpin(const std::string& name) {
  const auto depot = this->depot();
  const auto lease = depot->lease();
  delete_ref(lease, pin_name(name));
}

std::vector<std::string> DepotMirror::pins() const {
  const auto depot = this->depot();
  const auto lease = depot->lease();
  std::vector<std::string> out;
  for (const LocalRef& ref : local_refs(lease))
    if (ref.name.starts_with(kPinPrefix)) out.push_back(ref.name.substr(kPinPrefix.size()));
  return out;
}

void DepotMirror::repack_when_due(Depot& depot, const Cancel& cancel, std::size_t packs) {
  if (depot.damaged() || pack_files(depot.path()).size() < packs) return;
  try {
    repack(depot, cancel);
  } catch (const Failure& failure) {
    // The fetch itself went well; what cannot be packed is found damaged when it is read.
    log::warning("a mirror could not be repacked", {{"mirror", depot.path()}, {"problem", failure.what()}});
  }
}

void DepotMirror::maintain(const Cancel& cancel) {
  const Turn turn(*this, [&] {
    if (cancel.requested()) throw fail(ProblemCause::transient, "mirror: maintenance was asked to stop");
  });
  const auto depot = this->depot();
  if (!depot->damaged()) repack(*depot, cancel);
}

}  // namespace

std::unique_ptr<Mirror> open_mirror(const std::string& directory) {
  return std::make_unique<DepotMirror>(directory);
}

}  // namespace gitopsd::source
