#include "daemon/source/refs.h"

#include "base/hash.h"

namespace gitopsd::source {

namespace {

/// Few enough that a fetch, which has to wait for it, does not feel it.
constexpr int kLooseRefs = 200;

}  // namespace

std::string follow_name(const Ref& ref) {
  return "refs/gitopsd/follow/" + to_hex(sha256(ref.str())).substr(0, 32);
}

std::string pin_name(const std::string& name) {
  std::string out = std::string(kPinPrefix) + name;
  if (!Ref::parse(out)) throw fail(ProblemCause::input, "\"" + name + "\" cannot be the name of a pin");
  return out;
}

std::vector<LocalRef> local_refs(const Depot::Lease& lease, const char* glob) {
  std::vector<LocalRef> out;
  git_reference_iterator* raw = nullptr;
  if (git_reference_iterator_glob_new(&raw, lease.repository(), glob) != 0) {
    git_error_clear();
    return out;
  }
  const std::unique_ptr<git_reference_iterator, Free<git_reference_iterator_free>> iterator(raw);
  git_reference* reference = nullptr;
  while (git_reference_next(&reference, iterator.get()) == 0) {
    const GitReference owner(reference);
    if (const git_oid* const oid = git_reference_target(reference))
      out.push_back({git_reference_name(reference), to_id(*oid)});
  }
  git_error_clear();
  return out;
}

std::optional<CommitId> read_ref(const Depot::Lease& lease, const std::string& name) {
  git_oid oid{};
  if (git_reference_name_to_id(&oid, lease.repository(), name.c_str()) == 0) return to_id(oid);
  git_error_clear();
  return std::nullopt;
}

void write_ref(Depot& depot, const Depot::Lease& lease, const std::string& name, const CommitId& id) {
  if (read_ref(lease, name) == id) return;
  const std::lock_guard lock(depot.refs_mutex());
  git_reference* reference = nullptr;
  const git_oid oid = to_oid(id);
  if (git_reference_create(&reference, lease.repository(), name.c_str(), &oid, 1, nullptr) != 0)
    throw git_failure(ProblemCause::transient, "mirror " + depot.path(), "cannot write " + name);
  git_reference_free(reference);
  ++depot.loose_refs();
}

void delete_ref(Depot& depot, const Depot::Lease& lease, const std::string& name) {
  if (!read_ref(lease, name)) return;
  const std::lock_guard lock(depot.refs_mutex());
  if (git_reference_remove(lease.repository(), name.c_str()) != 0)
    throw git_failure(ProblemCause::transient, "mirror " + depot.path(), "cannot delete " + name);
}

void pack_refs(Depot& depot) {
  const std::lock_guard lock(depot.refs_mutex());
  if (depot.loose_refs() < kLooseRefs) return;
  const auto lease = depot.lease();
  git_refdb* raw = nullptr;
  const int opened = git_repository_refdb(&raw, lease.repository());
  const std::unique_ptr<git_refdb, Free<git_refdb_free>> refdb(raw);
  if (opened != 0 || git_refdb_compress(raw) != 0)
    throw git_failure(ProblemCause::transient, "mirror " + depot.path(), "cannot pack its refs");
  depot.loose_refs() = 0;
}

}  // namespace gitopsd::source
