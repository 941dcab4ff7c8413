#include "daemon/source/repack.h"

#include <git2/sys/odb_backend.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <set>

#include "base/file.h"
#include "daemon/source/check.h"
#include "daemon/source/object.h"
#include "daemon/source/refs.h"

namespace gitopsd::source {

namespace {

namespace fs = std::filesystem;
using Builder = std::unique_ptr<git_packbuilder, Free<git_packbuilder_free>>;
using Walk = std::unique_ptr<git_revwalk, Free<git_revwalk_free>>;

/// Below this a mirror is never searched for what nothing needs any more.
constexpr std::uint64_t kSmall = 256u << 20;
constexpr const char* kSizeFile = "/gitopsd-size";

/// A pack that cannot be read would stop every repack from now on, so the mirror is cloned anew; a full disk
/// is no reason to.
Failure broken(Depot& depot, const Cancel& cancel, std::string_view what) {
  if (cancel.requested())
    return fail(ProblemCause::transient, "mirror " + depot.path() + ": repacking was stopped");
  const git_error* const error = git_error_last();
  const bool ours = error != nullptr && (error->klass == GIT_ERROR_OS || error->klass == GIT_ERROR_NOMEMORY);
  if (!ours) depot.mark_damaged();
  return git_failure(ProblemCause::transient, "mirror " + depot.path(), what);
}

int on_progress(int /*stage*/, std::uint32_t /*now*/, std::uint32_t /*all*/, void* cancel) {
  return static_cast<const Cancel*>(cancel)->requested() ? GIT_EUSER : 0;
}

Builder make_builder(Depot& depot, const Depot::Lease& lease, const Cancel& cancel) {
  git_packbuilder* raw = nullptr;
  if (git_packbuilder_new(&raw, lease.repository()) != 0) throw broken(depot, cancel, "cannot be repacked");
  Builder builder(raw);
  git_packbuilder_set_threads(raw, 1);
  git_packbuilder_set_callbacks(raw, on_progress, const_cast<Cancel*>(&cancel));
  return builder;
}

std::set<CommitId> ids_of(Depot& depot, const PackFile& pack, const Cancel& cancel) {
  git_odb* raw = nullptr;
  git_odb_backend* backend = nullptr;
  if (git_odb_new(&raw) != 0) throw broken(depot, cancel, "cannot be repacked");
  const GitOdb odb(raw);
  if (git_odb_backend_one_pack(&backend, (pack.stem + ".idx").c_str()) != 0 ||
      git_odb_add_backend(raw, backend, 1) != 0)
    throw broken(depot, cancel, "a pack cannot be opened");
  std::set<CommitId> out;
  const auto add = [](const git_oid* id, void* set) {
    static_cast<std::set<CommitId>*>(set)->insert(to_id(*id));
    return 0;
  };
  if (git_odb_foreach(raw, add, &out) != 0) throw broken(depot, cancel, "a pack cannot be listed");
  return out;
}

/// Writes the pack and removes those that it replaces; readers find the objects again in the new one.
void replace(Depot& depot, git_packbuilder* builder, const std::vector<PackFile>& old, const Cancel& cancel) {
  std::string fresh;
  if (git_packbuilder_object_count(builder) > 0) {
    if (git_packbuilder_write(builder, nullptr, 0444, nullptr, nullptr) != 0)
      throw broken(depot, cancel, "cannot be repacked");
    fresh = std::string("pack-") + git_packbuilder_name(builder);
  }
  for (const PackFile& pack : old) {
    if (fs::path(pack.stem).filename() == fresh) continue;
    std::error_code error;
    for (const char* const extension : {".idx", ".pack"}) fs::remove(pack.stem + extension, error);
  }
  depot.renew_handles();
}

/// How many of the packs, smallest first, are to become one.
std::size_t to_merge(const std::vector<PackFile>& packs) {
  std::size_t count = 0;
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < packs.size(); ++i) {
    if (packs[i].bytes < 2 * sum) count = i + 1;
    sum += packs[i].bytes;
  }
  return count;
}

void merge_small(Depot& depot, std::vector<PackFile> packs, const Cancel& cancel) {
  packs.resize(to_merge(packs));
  if (packs.size() < 2) return;
  std::set<CommitId> ids;
  std::size_t largest = 0;
  for (const PackFile& pack : packs) {
    auto some = ids_of(depot, pack, cancel);
    largest = some.size();
    ids.merge(some);
  }
  const auto lease = depot.lease();
  const Builder builder = make_builder(depot, lease, cancel);
  if (ids.size() == largest) {
    // The largest already holds all: a pack of the same objects would get the same name, under which it is
    // open.
    packs.pop_back();
    return replace(depot, builder.get(), packs, cancel);
  }
  for (const CommitId& id : ids) {
    const git_oid oid = to_oid(id);
    if (git_packbuilder_insert(builder.get(), &oid, nullptr) != 0)
      throw broken(depot, cancel, "an object cannot be packed");
  }
  replace(depot, builder.get(), packs, cancel);
}

std::uint64_t total(const std::vector<PackFile>& packs) {
  return std::accumulate(packs.begin(), packs.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const PackFile& pack) { return sum + pack.bytes; });
}

std::uint64_t size_before(const Depot& depot) {
  try {
    return std::strtoull(read_file(depot.path() + kSizeFile, 64).c_str(), nullptr, 10);
  } catch (const Failure&) {
    return 0;
  }
}

void note_size(const Depot& depot) {
  write_file_atomically(depot.path() + kSizeFile, std::to_string(total(pack_files(depot.path()))) + "\n");
}

}  // namespace

void keep_needed(Depot& depot, const Cancel& cancel) {
  const auto packs = pack_files(depot.path());
  const auto lease = depot.lease();
  const Builder builder = make_builder(depot, lease, cancel);
  git_revwalk* raw = nullptr;
  if (git_revwalk_new(&raw, lease.repository()) != 0) throw broken(depot, cancel, "cannot be repacked");
  const Walk walk(raw);
  std::vector<CommitId> roots = depot.held();
  for (const LocalRef& ref : local_refs(lease, kAllRefs)) {
    const auto commit = peel_to_commit(depot, lease, ref.id);
    const git_oid oid = to_oid(ref.id);
    if (commit && *commit != ref.id && git_packbuilder_insert(builder.get(), &oid, nullptr) != 0)
      throw broken(depot, cancel, "a tag cannot be packed");
    if (commit) roots.push_back(*commit);
  }
  for (const CommitId& root : roots) {
    const git_oid oid = to_oid(root);
    if (git_revwalk_push(raw, &oid) != 0) throw broken(depot, cancel, "a commit is missing");
  }
  if (git_packbuilder_insert_walk(builder.get(), raw) != 0)
    throw broken(depot, cancel, "objects are missing");
  replace(depot, builder.get(), packs, cancel);
  note_size(depot);
}

bool has_grown(const Depot& depot) {
  const std::uint64_t before = size_before(depot);
  return before != 0 && total(pack_files(depot.path())) > std::max(kSmall, 3 * before);
}

void merge_packs(Depot& depot, const Cancel& cancel) {
  const auto packs = pack_files(depot.path());
  if (size_before(depot) == 0) note_size(depot);
  if (packs.size() >= kPacks) merge_small(depot, packs, cancel);
}

}  // namespace gitopsd::source
