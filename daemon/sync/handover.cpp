#include "daemon/sync/handover.h"

#include <algorithm>

#include "daemon/sync/input_key.h"
#include "daemon/sync/read_commit.h"

namespace gitopsd::sync {
namespace {

bool follow_the_same(const config::Application& a, const config::Application& b) {
  return a.repository == b.repository && a.ref == b.ref;
}

/// The commit that concerns both may not have been offered to the other yet.
CommitId goes_to(const Scope& scope, const CommitId& revision, const Other& other) {
  if (revision.empty() || !follow_the_same(scope.application, other.scope.application)) return other.wanted;
  const auto& mirror = *other.scope.mirror;
  const bool farther = !other.wanted.empty() && mirror.has(other.wanted) &&
                       mirror.standing(revision, other.wanted, CommitId{}) == source::Standing::ahead;
  return farther ? other.wanted : revision;
}

/// As of its last succeeded sync; but for those of these manifests.
std::set<ResourceId> declared_before(const Other& other, const std::set<std::string>& but,
                                     const std::vector<ResourceId>& ids) {
  std::set<ResourceId> found;
  for (const auto& id : ids) {
    const auto row = other.scope.store.declared_id(other.scope.application.uid, id);
    if (row && !but.contains(row->path) && !is_hook(row->resource)) found.insert(id);
  }
  return found;
}

/// Those of `ids` that it declares at this commit; hooks are declared to be run, not to be there. Throws
/// Failure where it cannot be read.
std::set<ResourceId> declared_at(const Other& other, const CommitId& at, const std::vector<ResourceId>& ids) {
  const auto& scope = other.scope;
  const auto& state = other.state;
  if (at.empty() || !scope.mirror->has(at)) return declared_before(other, {}, ids);
  const auto snapshot = scope.snapshot(at);
  const auto settings = settings_key(scope.application, scope.destination);
  const auto context = scope.provider->render_context_digest();
  const auto is_as = [&](const std::string& source) {
    return state.last_succeeded && is_input_key(state.input_key, source, settings, context);
  };
  if (is_as(source_key(scope.application.path, *snapshot, decode_outside(state.outside))))
    return declared_before(other, {}, ids);

  const bool incremental = is_as(state.source_key) && scope.mirror->has(state.revision);
  NeedIndex needs;  // other files under an unchanged manifest make no other ids of it
  auto read = read_commit(scope, *snapshot, state, incremental, needs);
  std::set<ResourceId> found;
  if (read.partial) found = declared_before(other, read.manifests, ids);
  SnapshotBlobs blobs(snapshot);
  for (const auto& item :
       resolve_documents(scope.asking(), *snapshot, std::move(read.documents), needs.files, blobs)) {
    const bool asked = std::find(ids.begin(), ids.end(), item.resource.id) != ids.end();
    if (asked && item.resource.hooks.empty()) found.insert(item.resource.id);
  }
  return found;
}

/// Whether what the application is made of is another at one commit than at the other.
bool changed_between(const Other& other, const CommitId& before, const CommitId& at) {
  const auto& mirror = *other.scope.mirror;
  if (before.empty() || !mirror.has(before)) return true;
  const auto source = [&](const CommitId& commit) {
    return source_key(other.scope.application.path, *other.scope.snapshot(commit),
                      decode_outside(other.state.outside));
  };
  return source(before) != source(at);
}

std::vector<source::TreeEntry> files_since(const Other& other, const source::Snapshot& now) {
  const auto& path = other.scope.application.path;
  if (!other.state.last_succeeded || !other.scope.mirror->has(other.state.revision))
    return now.files(path, render::Limits{}.files);
  std::vector<source::TreeEntry> files;
  for (auto& change : now.changes_since(*other.scope.snapshot(other.state.revision), path))
    if (change.after) files.push_back(std::move(*change.after));
  return files;
}

/// Which of these an application may declare at a commit at which it cannot be read: those whose names stand
/// in what changed of it; where a program makes its documents, all if that is another than before.
std::set<ResourceId> may_declare(const Other& other, const CommitId& before, const CommitId& at,
                                 const std::vector<store::InventoryEntry>& entries) {
  std::set<ResourceId> may;
  const auto snapshot = other.scope.snapshot(at);
  const bool plain = other.scope.application.substitute.empty() &&
                     render::renderer_of(*snapshot, other.scope.application) == render::Renderer::directory;
  if (!plain && !changed_between(other, before, at)) return may;
  std::string text;
  if (plain) {
    for (const auto& file : files_since(other, *snapshot))
      if (file.kind == source::EntryKind::file || file.kind == source::EntryKind::executable)
        text += snapshot->read(file.id, file.path, render::Limits{}.total_bytes) + '\n';
  }
  for (const auto& entry : entries) {
    const std::string name =
        entry.resource.empty() ? "" : decode_resource(entry.id, entry.owned_digest, entry.resource).name;
    if (!plain || name.empty() || text.find(name) != std::string::npos) may.insert(entry.id);
  }
  return may;
}

}  // namespace

Heirs heirs_of(const Scope& scope, const CommitId& revision, const CommitId& before,
               const std::vector<store::InventoryEntry>& entries) {
  Heirs heirs;
  if (entries.empty() || !scope.others) return heirs;
  std::vector<ResourceId> ids;
  ids.reserve(entries.size());
  for (const auto& entry : entries) ids.push_back(entry.id);
  for (const auto& other : scope.others()) {
    const auto& app = other.scope.application;
    const CommitId at = goes_to(scope, revision, other);
    try {
      for (const auto& id : declared_at(other, at, ids)) heirs.of.emplace(id, Heir{app.uid, app.name, at});
    } catch (const Failure& failure) {
      if (failure.cause() == ProblemCause::transient) throw;
      if (revision.empty() || !follow_the_same(scope.application, app)) continue;
      auto may = may_declare(other, before, at, entries);
      if (may.empty()) continue;
      heirs.unsure.merge(may);
      heirs.unreadable = app.name.str() + " cannot be read at " + at.short_str();
      heirs.who = app.uid;
    }
  }
  return heirs;
}

std::set<ResourceId> let_go_soon(const Scope& scope, const CommitId& revision, const ApplicationUid& owner,
                                 const std::vector<ResourceId>& ids) {
  std::set<ResourceId> soon;
  if (!scope.others) return soon;
  for (const auto& other : scope.others()) {
    if (other.scope.application.uid != owner || other.scope.application.suspended) continue;
    try {
      const auto still = declared_at(other, goes_to(scope, revision, other), ids);
      for (const auto& id : ids)
        if (!still.contains(id)) soon.insert(id);
    } catch (const Failure& failure) {
      if (failure.cause() == ProblemCause::transient) throw;
    }
  }
  return soon;
}

}  // namespace gitopsd::sync
