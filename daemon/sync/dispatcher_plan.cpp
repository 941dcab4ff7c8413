// What a sync would do, and whether it would be let: for people who look before they act.
#include "daemon/sync/dispatcher_state.h"
#include "daemon/sync/input_key.h"
#include "daemon/sync/tag_pattern.h"

namespace gitopsd::sync {
namespace {

Failure no_ref(const std::string& ref) {
  return fail(ProblemCause::input, ref + " does not exist at the repository",
              "check `ref` of the application");
}

PlanView held_plan(const ApplicationLine& app, const Run& held) {
  return {held.id(), held.job().revision,         held.steps(),   held.hold(),
          {},        release_commands(app, held), held.left_out()};
}

}  // namespace

PlanView DispatcherImpl::plan(const ApplicationName& name, const std::optional<CommitId>& revision) {
  App app;
  try {
    app = app_named(name);
  } catch (const Failure&) {
    app = orphan_named(name);
    if (!app) throw;
    return plan_deletion(app);
  }
  std::optional<Scope> scope;
  Repo repo;
  config::Repository repository;
  {
    std::lock_guard lock(mutex_);
    if (const auto held = app->held(); held && !revision) return held_plan(*app, *held);
    scope.emplace(scope_of(app));
    repo = repos_.at(app->config.repository);
    repository = repo->config;
  }
  const std::string followed = scope->application.ref;
  Job job;
  job.kind = Kind::commit;
  job.force = true;
  if (revision) {
    source::Cancel never;
    const auto ref = Ref::parse(followed);
    if (!repo->mirror->has(*revision) && ref)
      repo->mirror->fetch(remote_of(repository), *ref, *revision, never);
    job.revision = *revision;
  } else {
    job.revision = fetch_tip(repo, repository, followed);
  }
  Run run(std::move(*scope), std::move(job), std::make_shared<NeedIndex>());
  run.preview();
  PlanView view;
  view.revision = run.job().revision;
  view.steps = run.steps();
  view.hold = run.hold();
  view.left_out = run.left_out();
  if (auto word = run.awaits_word_of(); !word.empty()) view.left_out.push_back(std::move(word));
  say_kept_off(app, run, view);
  return view;
}

/// Of one that left the configuration: nothing else is ever done for it.
PlanView DispatcherImpl::plan_deletion(const App& app) {
  std::optional<Scope> scope;
  {
    std::lock_guard lock(mutex_);
    if (const auto held = app->held()) return held_plan(*app, *held);
    scope.emplace(scope_of(app));
  }
  const std::string name = scope->application.name.str();
  Job job;
  job.kind = Kind::remove;
  Run run(std::move(*scope), std::move(job), std::make_shared<NeedIndex>());
  run.preview();
  PlanView view;
  view.steps = run.steps();
  view.hold = run.hold();
  view.kept_off = "it left the configuration";
  view.released_by = "gitopsctl delete " + name + " --cascade";
  return view;
}

CommitId DispatcherImpl::commit_named(const ApplicationName& name, const std::string& prefix, bool known) {
  const auto app = app_named(name);
  Repo repo;
  config::Repository repository;
  std::string followed;
  {
    std::lock_guard lock(mutex_);
    repo = repos_.at(app->config.repository);
    repository = repo->config;
    followed = app->config.ref;
  }
  auto found = repo->mirror->find(prefix);
  if (!found && !known) {  // it may be newer than what was fetched last
    fetch_tip(repo, repository, followed);
    found = repo->mirror->find(prefix);
  }
  if (found) return *found;
  throw fail(ProblemCause::input,
             "no commit of repository " + repo->name.str() + " that is known here begins with " + prefix,
             "give the full commit id");
}

/// Without the mutex. The tip of what is followed as it is now, fetched.
CommitId DispatcherImpl::fetch_tip(const Repo& repo, const config::Repository& repository,
                                   const std::string& followed) const {
  source::Cancel never;
  const auto remote = remote_of(repository);
  const auto ref = meant(followed, repo->mirror->remote_refs(remote, {followed}, never));
  if (!ref) throw no_ref(followed);
  const auto fetched = repo->mirror->fetch(remote, *ref, std::nullopt, never);
  if (!fetched.tip) throw no_ref(followed);
  return *fetched.tip;
}

/// Without the mutex. Whether this input would come into force by itself, and what lets it.
void DispatcherImpl::say_kept_off(const App& app, const Run& run, PlanView& view) const {
  const auto& scope = run.scope();
  const std::string& name = scope.application.name.str();
  const std::string& source = run.after().source_key;
  const auto snapshot = scope.snapshot(run.job().revision);
  const auto key =
      input_key(source, settings_key(scope.application, scope.destination),
                context_of(scope.provider->render_context_digest(), *snapshot, scope.application));
  std::lock_guard lock(mutex_);
  if (app->config.suspended) {
    view.kept_off = kSuspended;
    view.released_by = kSuspendedRelease;
    return;
  }
  if (app->state.quarantined.find(source) != std::string::npos) {
    view.kept_off = name + " was rolled back from this state";
    view.released_by = "gitopsctl resume " + name;
    return;
  }
  for (const auto& one : app->rejections) {
    if (one.input_key != key) continue;
    view.kept_off = one.text;
    view.released_by = "gitopsctl sync " + name;
  }
}

}  // namespace gitopsd::sync
