#include "daemon/sync/read_commit.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>

#include "daemon/render/repository_path.h"
#include "daemon/sync/problems.h"

namespace gitopsd::sync {
namespace {

using render::Renderer;
using Paths = std::set<std::string>;

std::string below(const std::string& application_path, const std::string& path) {
  return application_path.empty() ? path : path.substr(application_path.size() + 1);
}

/// Those of changed needs: content files of which other manifests' documents are made.
void add_needing(const source::Snapshot& now, const std::string& application_path, const NeedIndex& needs,
                 Paths& paths) {
  for (const auto& [path, id] : needs.outside(application_path)) {
    const auto entry = now.entry(path);
    if (!entry || entry->id.str() != id) paths.merge(needs.manifests_needing(path));
  }
}

/// As many as the application may have at all: whoever sees only changes must not let more in.
void refuse_too_many(const Scope& scope, const source::Snapshot& now, const Paths& changed) {
  constexpr auto kMost = render::Limits{}.files;
  if (changed.size() <= kMost) return;
  throw Failure(Problem{ProblemCause::input,
                        "more than " + std::to_string(kMost) + " manifests",
                        "let the application's path name a smaller folder",
                        place(now.commit(), scope.application.path),
                        {}});
}

std::vector<source::TreeEntry> entries_of(const source::Snapshot& snapshot, const Paths& paths) {
  std::vector<source::TreeEntry> entries;
  for (const auto& path : paths)
    if (auto entry = snapshot.entry(path)) entries.push_back(*entry);
  return entries;
}

Declares read_directory(const Scope& scope, const source::Snapshot& now, const source::Snapshot* then,
                        const NeedIndex& needs, render::LeftOut* left_out) {
  const auto& app = scope.application;
  Declares out;
  if (!then) {
    const auto manifests = render::manifests(now, app);
    for (const auto& entry : manifests) out.manifests.insert(entry.path);
    out.documents = render::read_manifests(now, manifests, left_out);
    return out;
  }
  out.partial = true;
  for (const auto& change : now.changes_since(*then, app.path)) {
    if (render::is_manifest(app, below(app.path, change.path))) out.manifests.insert(change.path);
    out.manifests.merge(needs.manifests_needing(change.path));
  }
  add_needing(now, app.path, needs, out.manifests);
  refuse_too_many(scope, now, out.manifests);
  // The path itself must still be a folder: a vanished one is an error, never an empty set.
  const auto root = now.entry(app.path);
  if (!root || root->kind != source::EntryKind::directory) render::manifests(now, app);
  out.documents = render::read_manifests(now, entries_of(now, out.manifests), left_out);
  return out;
}

/// Everything that differs between two commits below some files and folders.
std::vector<source::Snapshot::Change> changes_in(const source::Snapshot& now, const source::Snapshot& then,
                                                 const Paths& reads) {
  std::vector<source::Snapshot::Change> all;
  for (const auto& path : reads)
    for (auto& change : now.changes_since(then, path)) all.push_back(std::move(change));
  return all;
}

bool is_kustomization(const std::string& path) {
  const auto slash = path.rfind('/');
  return render::is_kustomization_name(
      std::string_view(path).substr(slash == std::string::npos ? 0 : slash + 1));
}

bool concerns(const render::Part& part, const source::Snapshot::Change& change) {
  const auto& reads = part.listing->reads;
  return std::any_of(reads.begin(), reads.end(),
                     [&](const std::string& path) { return render::is_within(path, change.path); });
}

/// Not all of it has to be built at once.
bool is_read_apart(const render::Listing& listing) {
  return listing.plain || !listing.parts.empty();
}

/// Whether no change can have made another list of it.
bool lists_the_same(const config::Application& app, const Listed& listed,
                    const std::vector<source::Snapshot::Change>& changes) {
  const auto is_file = [](const auto& entry) {
    return entry && (entry->kind == source::EntryKind::file || entry->kind == source::EntryKind::executable);
  };
  return std::none_of(changes.begin(), changes.end(), [&](const auto& change) {
    // A kustomization, also one beside another in a folder; a manifest that came, went or is something else
    // now.
    if (is_kustomization(change.path)) return true;
    const auto& parts = listed.listing.parts;
    if (std::any_of(parts.begin(), parts.end(), [&](const auto& part) { return concerns(part, change); }))
      return true;
    const bool counts = listed.manifests.contains(change.path) ||
                        (listed.listing.generated && render::is_within(app.path, change.path) &&
                         render::is_manifest(app, below(app.path, change.path)));
    return counts && !(is_file(change.before) && is_file(change.after));
  });
}

std::shared_ptr<const Listed> list_at(const source::Snapshot& snapshot, const Scope& scope) {
  auto listed = std::make_shared<Listed>();
  const auto& app = scope.application;
  listed->listing = render::root_kustomization(snapshot, app) ? render::list_kustomization(snapshot, app.path)
                                                              : render::list_generated(snapshot, app);
  for (const auto& entry : listed->listing.manifests) listed->manifests.insert(entry.path);
  return listed;
}

/// The manifests that changed, came or went between two plain kustomizations.
std::optional<Declares> read_changed(const Scope& scope, const source::Snapshot& now,
                                     const std::vector<source::Snapshot::Change>& changes,
                                     const Listed& before, const Listed& listed, const NeedIndex& needs) {
  Declares out;
  out.partial = true;
  for (const auto& change : changes) {
    if (before.manifests.contains(change.path) || listed.manifests.contains(change.path))
      out.manifests.insert(change.path);
    out.manifests.merge(needs.manifests_needing(change.path));
  }
  if (&before != &listed)
    std::set_symmetric_difference(before.manifests.begin(), before.manifests.end(), listed.manifests.begin(),
                                  listed.manifests.end(), std::inserter(out.manifests, out.manifests.end()));
  add_needing(now, scope.application.path, needs, out.manifests);
  refuse_too_many(scope, now, out.manifests);
  Paths still;
  for (const auto& path : out.manifests)
    if (listed.manifests.contains(path)) still.insert(path);
  auto documents = render::read_listed_manifests(now, entries_of(now, still));
  if (!documents) return std::nullopt;
  out.documents = *std::move(documents);
  return out;
}

/// Builds those folders that kustomize has to build, and of which something changed.
void add_parts(const Scope& scope, const source::Snapshot& now,
               const std::vector<source::Snapshot::Change>& changes, const Listed* before,
               const Listed& listed, Declares& out) {
  Paths known;
  if (before)
    for (const auto& part : before->listing.parts) known.insert(part.main_file);
  for (const auto& part : listed.listing.parts) {
    out.reads.insert(render::kustomize_program(scope.external));
    if (part.listing->charts) out.reads.insert(render::helm_program(scope.external));
    const bool stands = known.erase(part.main_file) > 0 &&
                        std::none_of(changes.begin(), changes.end(),
                                     [&](const auto& change) { return concerns(part, change); });
    if (stands) continue;
    config::Application folder;
    folder.path = part.folder;
    auto rendered = render::render_kustomize(scope.external, now, folder, *part.listing,
                                             scope.provider->info().render_context);
    out.rendered = true;
    out.manifests.insert(part.main_file);
    std::move(rendered.documents.begin(), rendered.documents.end(), std::back_inserter(out.documents));
  }
  out.manifests.merge(known);  // those that are gone, or plain now
}

/// The documents of a kustomization that is made of resources alone; nullopt where this one is not, or where
/// one of its manifests is read otherwise by kustomize.
std::optional<Declares> read_listed(const Scope& scope, const source::Snapshot& now,
                                    const source::Snapshot* then, NeedIndex& needs) {
  std::shared_ptr<const Listed> before, listed;
  std::vector<source::Snapshot::Change> changes;
  if (then) {
    before = needs.listed && needs.listed_at == then->commit() ? needs.listed : list_at(*then, scope);
    if (is_read_apart(before->listing)) {
      changes = changes_in(now, *then, before->listing.reads);
      if (lists_the_same(scope.application, *before, changes)) listed = before;
    } else {
      before = nullptr;
    }
  }
  if (!listed) listed = list_at(now, scope);
  needs.listed = listed;
  needs.listed_at = now.commit();
  if (!is_read_apart(listed->listing)) return std::nullopt;
  std::optional<Declares> out;
  if (before) {
    out = read_changed(scope, now, changes, *before, *listed, needs);
  } else {
    refuse_too_many(scope, now, listed->manifests);
    if (auto documents = render::read_listed_manifests(now, listed->listing.manifests)) {
      out.emplace().manifests = listed->manifests;
      out->documents = *std::move(documents);
    }
  }
  if (!out) return std::nullopt;
  out->reads = listed->listing.reads;
  add_parts(scope, now, changes, before.get(), *listed, *out);
  return out;
}

Declares from_renderer(render::Rendered rendered) {
  Declares out;
  out.rendered = true;
  out.documents = std::move(rendered.documents);
  for (const auto& document : out.documents) out.manifests.insert(document.path);
  out.reads = std::move(rendered.reads);
  out.reads.insert(rendered.programs.begin(), rendered.programs.end());
  return out;
}

Declares read_kustomize(const Scope& scope, const source::Snapshot& now, const source::Snapshot* then,
                        NeedIndex& needs) {
  const auto& app = scope.application;
  const bool overlaid = app.kustomize.is_object() && !app.kustomize.as_object().empty();
  if (!overlaid) {
    if (auto listed = read_listed(scope, now, then, needs)) return *std::move(listed);
  }
  const auto listed = overlaid ? list_at(now, scope) : needs.listed;
  return from_renderer(render::render_kustomize(scope.external, now, app, listed->listing,
                                                scope.provider->info().render_context));
}

/// Of a path without a kustomization in it; with none below it either, there is nothing to keep of it.
std::shared_ptr<const Listed> list_folder(const source::Snapshot& snapshot, const Scope& scope) {
  const auto found = render::find_resources(snapshot, scope.application);
  return found.bases.empty() ? std::make_shared<const Listed>() : list_at(snapshot, scope);
}

bool is_read_one_by_one(const Listed& listed) {
  return !listed.listing.generated;
}

/// A path that has no kustomization itself: its manifests are read one by one, unless a folder below it has
/// one. Then they are what Flux makes of it: the resources of a kustomization that lists all that is found.
Declares read_folder(const Scope& scope, const source::Snapshot& now, const source::Snapshot* then,
                     NeedIndex& needs, render::LeftOut* left_out) {
  const auto& app = scope.application;
  if (!app.include.empty()) return read_directory(scope, now, then, needs, left_out);
  std::shared_ptr<const Listed> listed;
  bool was_one_by_one = false;
  if (then) {
    if (!needs.listed || needs.listed_at != then->commit()) needs.listed = list_folder(*then, scope);
    needs.listed_at = then->commit();
    was_one_by_one = is_read_one_by_one(*needs.listed);
    const auto changes = now.changes_since(*then, app.path);
    if (std::none_of(changes.begin(), changes.end(),
                     [](const auto& change) { return is_kustomization(change.path); }))
      listed = needs.listed;
  }
  if (!listed) listed = list_folder(now, scope);
  if (!is_read_one_by_one(*listed)) return read_kustomize(scope, now, was_one_by_one ? nullptr : then, needs);
  needs.listed = listed;
  needs.listed_at = now.commit();
  return read_directory(scope, now, was_one_by_one ? then : nullptr, needs, left_out);
}

/// A program made all of what the application has, or another one than would now make a part of it.
bool was_rendered(const Scope& scope, const store::ApplicationState& state, Renderer renderer) {
  std::map<std::string, std::string> programs;
  for (const auto& [path, id] : decode_outside(state.outside))
    if (path.starts_with('/')) programs.emplace(path, id);
  if (programs.empty()) return false;
  if (renderer != Renderer::directory || !programs.contains(render::kustomize_program(scope.external)))
    return true;
  // What is built at once is of the path, and what is built by itself of a kustomization.
  return std::any_of(
             programs.begin(), programs.end(),
             [](const auto& program) { return render::program_identity(program.first) != program.second; }) ||
         !scope.store.declared_in(scope.application.uid, {scope.application.path}).empty();
}

}  // namespace

Declares read_commit(const Scope& scope, const source::Snapshot& now, const store::ApplicationState& before,
                     bool incremental, NeedIndex& needs, render::LeftOut* left_out) {
  const auto& app = scope.application;
  const auto renderer = render::renderer_of(now, app);
  std::shared_ptr<const source::Snapshot> then;
  if (incremental) then = scope.snapshot(before.revision);
  // What another renderer made of the path has nothing to do with this one's manifests.
  if (then && (render::renderer_of(*then, app) != renderer || was_rendered(scope, before, renderer)))
    then = nullptr;
  Declares out;
  switch (renderer) {
    case Renderer::directory:
      out = read_folder(scope, now, then.get(), needs, left_out);
      break;
    case Renderer::kustomize:
      out = read_kustomize(scope, now, then.get(), needs);
      break;
    case Renderer::helm:
      out =
          from_renderer(render::render_helm(scope.external, now, app, scope.provider->info().render_context));
      break;
  }
  render::substitute_all(now, app.substitute, out.documents, left_out);
  return out;
}

}  // namespace gitopsd::sync
