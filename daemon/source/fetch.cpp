#include "daemon/source/fetch.h"

#include <algorithm>

#include "daemon/source/object.h"
#include "daemon/source/pack_writer.h"
#include "daemon/source/refs.h"
#include "daemon/source/walk.h"

namespace gitopsd::source {

namespace {

constexpr std::size_t kHaves = 128;
constexpr int kAncestors = 64;

bool has(const Depot::Lease& lease, const CommitId& id) {
  const git_oid oid = to_oid(id);
  return git_odb_exists(lease.odb(), &oid) == 1;
}

/// The tip, then its first parents 1, 2, 4, ... back: when somebody forced the branch, the server may have
/// lost the tip but has one of these, and is told so in the same request.
void add_line(Depot& depot, const Depot::Lease& lease, const CommitId& tip, std::vector<CommitId>& out) {
  auto commit = peel_to_commit(depot, lease, tip);
  for (int back = 0; commit && back <= kAncestors; ++back) {
    if ((back & (back - 1)) == 0) out.push_back(*commit);
    if (back == kAncestors) return;
    const auto header = object_header(lease, *commit);
    if (!header || header->type != GIT_OBJECT_COMMIT || header->size > kCommitBytes) return;
    const GitObject object = read_object(depot, lease, *commit, GIT_OBJECT_COMMIT, kCommitBytes, "commit");
    const auto text = parse_commit(bytes_of(object));
    if (!text || text->parents.empty()) return;
    commit = text->parents.front();
  }
}

std::vector<CommitId> haves(Depot& depot, const Depot::Lease& lease, const Ref& ref) {
  std::vector<CommitId> out;
  const auto followed = read_ref(lease, follow_name(ref));
  if (followed) add_line(depot, lease, *followed, out);
  for (const LocalRef& local : local_refs(lease, kFollowedRefs)) {
    if (out.size() >= kHaves) break;
    const auto commit = peel_to_commit(depot, lease, local.id);
    if (commit && std::find(out.begin(), out.end(), *commit) == out.end()) out.push_back(*commit);
  }
  return out;
}

/// The commit and its root tree are here and sound; what is below is found out when it is read.
CommitId check_tip(const Operation& operation, Depot& depot, const Depot::Lease& lease, const Ref& ref,
                   const CommitId& id) {
  const auto commit = peel_to_commit(depot, lease, id);
  if (!commit)
    throw operation.failure(ProblemCause::input, ref.str() + " leads to " + id.str() + ", which is no commit",
                            "let the application's ref be a branch, or a tag of a commit");
  const std::string where = "commit " + commit->str();
  const GitObject object = read_object(depot, lease, *commit, GIT_OBJECT_COMMIT, kCommitBytes, where);
  const auto text = parse_commit(bytes_of(object));
  if (!text) throw operation.failure(ProblemCause::input, where + " has not the form of a commit");
  read_object(depot, lease, text->tree, GIT_OBJECT_TREE, kTreeBytes, where);
  return *commit;
}

bool receive(const Operation& operation, UploadPack& pack, Depot& depot, const Depot::Lease& lease,
             const std::vector<CommitId>& wants, const std::vector<CommitId>& have) {
  std::optional<PackWriter> writer;
  const bool given = pack.fetch(operation, wants, have, [&](std::string_view bytes) {
    if (!writer) writer.emplace(operation, depot, lease);
    writer->append(bytes);
  });
  if (!given) return false;
  if (!writer) throw operation.failure(ProblemCause::transient, "sent no pack");
  writer->commit();
  return true;
}

}  // namespace

FetchResult fetch_ref(const Operation& operation, UploadPack& pack, Depot& depot, const Ref& ref,
                      const std::optional<CommitId>& wanted) {
  const auto refs = pack.refs(operation, {ref.str()});
  const auto found =
      std::find_if(refs.begin(), refs.end(), [&](const RemoteRef& r) { return r.name == ref.str(); });
  const auto lease = depot.lease();
  FetchResult result;
  if (found == refs.end()) {
    delete_ref(depot, lease, follow_name(ref));
    return result;
  }
  if (!has(lease, found->id)) {
    if (!receive(operation, pack, depot, lease, {found->id}, haves(depot, lease, ref)))
      throw operation.failure(ProblemCause::transient,
                              "no longer has " + found->id.str() + ", which it named itself",
                              "the ref moved in between; it is asked again");
    result.fetched_anything = true;
  }
  result.tip = check_tip(operation, depot, lease, ref, found->id);
  write_ref(depot, lease, follow_name(ref), found->id);
  if (wanted && !wanted->empty() && !wanted->is_zero() && !has(lease, *wanted) && pack.can_fetch())
    result.fetched_anything |= receive(operation, pack, depot, lease, {*wanted}, haves(depot, lease, ref));
  return result;
}

bool fetch_ids(const Operation& operation, UploadPack& pack, Depot& depot, const std::vector<CommitId>& ids,
               const std::vector<CommitId>& have) {
  const auto lease = depot.lease();
  return receive(operation, pack, depot, lease, ids, have);
}

std::map<Ref, CommitId> list_refs(const Operation& operation, UploadPack& pack,
                                  const std::vector<std::string>& patterns) {
  std::vector<std::string> prefixes;
  prefixes.reserve(patterns.size());
  for (const std::string& pattern : patterns)
    prefixes.push_back(pattern.ends_with('*') ? pattern.substr(0, pattern.size() - 1) : pattern);
  std::map<Ref, CommitId> out;
  for (const RemoteRef& remote : pack.refs(operation, prefixes)) {
    for (std::size_t i = 0; i < patterns.size(); ++i) {
      const bool matches =
          patterns[i].ends_with('*') ? remote.name.starts_with(prefixes[i]) : remote.name == patterns[i];
      const auto ref = matches ? Ref::parse(remote.name) : std::nullopt;
      if (ref) out[*ref] = remote.peeled.empty() ? remote.id : remote.peeled;
    }
  }
  return out;
}

}  // namespace gitopsd::source
