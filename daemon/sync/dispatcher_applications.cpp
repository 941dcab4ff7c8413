// One sync at a time per application. The newest commit pre-empts waits and retries of an older one, never a
// step that has begun (promise 9). Functions here want `mutex_` held unless they say otherwise.
#include <algorithm>

#include "base/json.h"
#include "base/log.h"
#include "daemon/sync/dispatcher_state.h"
#include "daemon/sync/problems.h"

namespace gitopsd::sync {
namespace {

using namespace std::chrono_literals;
using Hold = ApplicationLine::Hold;

constexpr int kDeathsBeforeAlone = 2;
constexpr int kRunsOfDestination = 8;
/// A sync is often followed by another.
constexpr auto kBeforeTrim = 2s;

/// With the mutex. What goes along with the sync that `event` brought; a heal has no event.
std::vector<EventId> along_of(const ApplicationLine& app, EventId event) {
  const auto brought = [&](const std::shared_ptr<Run>& run) {
    return event && run && run->job().event == event;
  };
  if (brought(app.run)) return app.along.events;
  return brought(app.aside.run) ? app.aside.along.events : std::vector<EventId>{};
}

}  // namespace

std::string superseded_by(const Job& job) {
  return (job.kind == Kind::rollback ? "superseded by a rollback to " : "superseded by ") +
         job.revision.short_str();
}

Scope DispatcherImpl::scope_of(const App& app) {
  const auto dest = dests_.at(app->config.destination);
  const auto repo =
      repos_.find(app->config.repository);  // an orphan's may be gone: nothing is read from it then
  return Scope{*env_.store,
               dest->provider,
               repo == repos_.end() ? nullptr : repo->second->mirror,
               *env_.clock,
               config_,
               app->config,
               dest->config,
               env_.store->installation(),
               {{env_.render_program, env_.state_directory + "/render", config_->renderers}, outputs_},
               bases_of(app->config),
               [this, uid = app->uid, to = app->config.destination] { return others_of(uid, to); }};
}

std::shared_ptr<render::Bases> DispatcherImpl::bases_of(const config::Application& app) const {
  std::vector<RepositoryBases::Repository> allowed;
  for (const auto& name : app.bases) {
    const auto repo = repos_.find(name);
    if (repo != repos_.end()) allowed.push_back({repo->second->config, repo->second->mirror});
  }
  return allowed.empty() ? nullptr : std::make_shared<RepositoryBases>(std::move(allowed), base_tags_);
}

void DispatcherImpl::offer(const App& app, Job job) {
  if (job.kind != Kind::remove && !configured(app)) return end_waiting(app, nullptr, {job.event}, kLeft);
  auto& next = app->next;
  if (next && same_state(*next, job)) {
    auto& events = job.along.events;
    events.insert(events.end(), next->along.events.begin(), next->along.events.end());
    events.push_back(next->event);
  } else {
    drop_next(app, superseded_by(job));
  }
  next = std::move(job);
  say(app, next->along, next->event, {});
  pump(app);
}

/// Starts what can be started.
void DispatcherImpl::pump(const App& app) {
  if (stopping_) return;
  if (app->moving) return move(app);
  const bool suspended = app->next && app->config.suspended && app->next->kind == Kind::commit;
  const Word suspension{store::EventState::held, "application " + app->config.name.str() + " is suspended"};
  if (suspended) {
    app->phase = Phase::held;
    app->waits_for = kSuspended;
    app->released_by = kSuspendedRelease;
    say(app, app->next->along, app->next->event, suspension);
  }
  if (app->next && !suspended) {
    // A hook that was begun is a step that was begun.
    const bool hook = app->hold == Hold::health && app->run && app->run->runs_hook();
    auto& along = app->next->along;
    if (hook) {
      const std::string whose = app->run->job().revision.short_str();
      say(app, along, app->next->event,
          {store::EventState::held, "a hook of " + whose + " has to end first"});
    } else if (along.word == suspension) {
      say(app, along, app->next->event, {});
    }
    if (app->hold == Hold::busy || hook) {
      if (app->run) app->run->supersede(superseded_by(*app->next));
      return;
    }
    if (app->hold != Hold::none) release_parked(app, superseded_by(*app->next));
    Job job = std::move(*app->next);
    app->next.reset();
    return begin(app, std::move(job));
  }
  // What was applied last stays enforced meanwhile, and what a sync has applied that waits for its health.
  const bool waits = app->hold == Hold::approval || app->hold == Hold::health ||
                     (app->hold == Hold::backoff && app->retrying);
  const bool free = app->hold == Hold::none || (waits && !app->aside.any());
  if (free && configured(app) && (app->dirty_all || !app->dirty.empty())) {
    if (waits) set_aside(app);
    app->hold = Hold::busy;
    workers_->post([this, app] { in_lane(app, [this, app] { look_at_live(app); }); });
    return;
  }
  begin_again(app);
}

void DispatcherImpl::begin(const App& app, Job job) {
  app->look_failed = false;
  auto& askers = app->along.events;
  askers.insert(askers.end(), job.along.events.begin(), job.along.events.end());
  if (job.along.news.event) app->along.news = job.along.news;
  job.along = {};
  if (!dests_.contains(app->config.destination)) {  // an orphan's may have gone since somebody asked for it
    const Outcome gone{Outcome::Kind::failed,
                       {},
                       "destination " + app->config.destination.str() + " left the configuration",
                       ProblemCause::input,
                       false};
    workers_->post([this, gone, part = part_of(*app), events = with_along(*app, job.event)] {
      parts_ended(events, part, gone, {});
    });
    return rest(app);
  }
  app->hold = Hold::busy;
  if (job.kind != Kind::heal) {
    app->again.reset();
    app->retrying.reset();
    job.ailing.reset();
    if (app->observed) {
      job.ailing.emplace();
      for (const auto& [id, why] : app->ailing) job.ailing->push_back(id);
    }
    // Of the sync before, which this one replaces; not of what it is itself a new attempt at.
    if (job.tries == 0) app->error.clear();
    forget_rejections(app, job);
    take_up_left(app, job);
  }
  if (!app->aside.any()) {  // else it is a heal, and people wait for something else
    app->phase = Phase::rendering;
    app->since = env_.clock->wall();
    app->wanted = job.kind == Kind::heal ? app->revision() : job.revision;
    app->waits_for.clear();
    app->released_by.clear();
  }
  const EventId event = job.event;
  if (!job.left) told_by_sync(event);
  Word word{store::EventState::running};
  if (job.tries > 0 && !app->error.empty())
    word.reason = "attempt " + std::to_string(job.tries + 1) + "; the one before: " + app->error;
  say(app, app->along, event, word);
  auto run = std::make_shared<Run>(scope_of(app), std::move(job), app->needs);
  // Weakly, since a run that is busy or parked belongs to its application, which would keep itself alive.
  run->on_progress([this, weak = std::weak_ptr(run), line = std::weak_ptr(app), event](
                       const std::string& stage, const std::string& text) {
    const auto self = weak.lock();
    if (const auto owner = line.lock()) progress(owner, event, self ? self->id() : SyncId{}, stage, text);
  });
  app->run = run;
  const auto& dest = *dests_.at(app->config.destination);
  app->generation = dest.provider->connected() ? dest.provider->generation() : 0;
  app->let_go = dest.let_go;
  workers_->post([this, app, run] { in_lane(app, [this, app, run] { ended(app, run, run->start()); }); });
}

/// Without the mutex. Some runs of one destination go side by side, never all that there may be: one that
/// does not answer leaves workers to the others. When its provider died twice with an application in flight,
/// that one runs alone, so that the third death says whose fault it is.
void DispatcherImpl::in_lane(const App& app, const std::function<void()>& body) {
  Dest dest;
  ApplicationName name;
  {
    std::lock_guard lock(mutex_);
    name = app->config.name;
    const auto it = dests_.find(app->config.destination);
    // Where it left the configuration, what still runs for it meets a provider that was shut down.
    dest = it == dests_.end() ? std::make_shared<DestinationLine>(config::Destination{}) : it->second;
    const bool alone = app->provider_deaths >= kDeathsBeforeAlone;
    if (!dest->alone.empty() || (alone && dest->running > 0) || dest->running >= kRunsOfDestination) {
      dest->waiting.push_back([this, app, body] { in_lane(app, body); });
      return;
    }
    ++dest->running;
    if (alone) dest->alone = app->uid;
  }
  try {
    body();
  } catch (const std::exception& e) {
    log::error("a sync ended in an error of the daemon", {{"application", name.str()}, {"error", e.what()}});
  }
  std::lock_guard lock(mutex_);
  --dest->running;
  dest->alone = ApplicationUid{};
  const auto free = static_cast<std::size_t>(kRunsOfDestination - dest->running);
  const auto end = dest->waiting.begin() + static_cast<std::ptrdiff_t>(std::min(free, dest->waiting.size()));
  for (auto task = dest->waiting.begin(); task != end; ++task) workers_->post(std::move(*task));
  dest->waiting.erase(dest->waiting.begin(), end);
  trim_soon();
}

/// With the mutex.
void DispatcherImpl::trim_soon() {
  if (trim_due_) return;
  trim_due_ = workers_->at(Monotonic::now() + kBeforeTrim, [this] {
    {
      const std::lock_guard lock(mutex_);
      trim_due_ = false;
    }
    heap_.look();
  });
}

/// Without the mutex: a run came back.
void DispatcherImpl::ended(const App& app, const std::shared_ptr<Run>& run, Outcome outcome) {
  const Job& job = run->job();
  std::unique_lock lock(mutex_);
  if (job.left && !run->left()) left_held_.erase(app->uid);
  // A heal tells nothing of what was wanted, and what became of it.
  if (job.kind != Kind::heal) app->sync = run->id();
  if (run->id() && job.kind != Kind::heal) app->state.last_sync = run->id();
  hand_on(app, *run, outcome);
  if (stopping_ && outcome.kind != Outcome::Kind::succeeded) {
    app->hold = Hold::none;  // its event stays open in the store: the next start takes it up
    return;
  }
  const bool unfinished = outcome.kind == Outcome::Kind::held || outcome.kind == Outcome::Kind::waiting;
  if (job.kind != Kind::remove && !configured(app)) {
    if (unfinished) {
      release_parked(app, kLeft);
      return rest(app);
    }
    if (outcome.kind == Outcome::Kind::retry) outcome = superseded_outcome(kLeft);
  }
  std::optional<ProgressLine> again;
  switch (outcome.kind) {
    case Outcome::Kind::held:
    case Outcome::Kind::waiting:
      park(app, outcome);
      return;
    case Outcome::Kind::retry:
      retry(app, run, outcome);
      return;
    case Outcome::Kind::succeeded:
      app->error_of(job.kind).clear();
      if (job.kind != Kind::heal) {  // they say what a heal has nothing to do with
        app->report.clear();
        app->unsigned_report.clear();
      }
      app->provider_deaths = 0;
      if (job.kind == Kind::commit || job.kind == Kind::rollback) {
        const auto& after = run->after();
        app->state.revision = after.revision;
        app->state.input_key = after.input_key;
        app->state.source_key = after.source_key;
        app->state.outside = after.outside;
        app->state.last_succeeded = run->id();
        app->accord = {app->newest_of(job), run->id()};
        app->rejections.clear();
        app->in_part.reset();
        // What it had nothing to do with may still differ, where drift is only reported.
        for (const auto& id : run->repetition().handled) {
          app->out_of_sync.erase(id);
          app->waiting.erase(id);
          app->ailing.erase(id);
        }
        app->observed = true;  // all is healthy, or it would not have succeeded
        if (!app->compared) app->dirty_all = true;
      }
      note_repetition(app, run->repetition());
      if (job.kind == Kind::heal && run->changed())  // it did not wait for the health of what it put back
        app->dirty.insert(job.drifted.begin(), job.drifted.end());
      if (job.kind != Kind::heal)
        ++metrics_.syncs_succeeded;
      else if (run->changed())
        ++metrics_.heals;
      break;
    case Outcome::Kind::failed:
      app->error_of(job.kind) = outcome.error;
      if (outcome.in_part) app->in_part = {job.revision, run->id(), outcome.in_part->left_out};
      ++metrics_.syncs_failed;
      log::warning("sync failed", {{"application", app->config.name.str()},
                                   {"sync", run->id().value},
                                   {"event", job.event.value},
                                   {"error", outcome.error}});
      if (outcome.may_pass || outcome.unhealthy) again = try_again(app, job, outcome.unhealthy);
      break;
    case Outcome::Kind::cancelled:
    case Outcome::Kind::superseded:
      if (job.kind != Kind::heal) outcome.error = error_before_next(*app);
      ++metrics_.syncs_superseded;
      break;
  }
  // Drift that was not put back is still there.
  if (job.kind == Kind::heal && outcome.kind != Outcome::Kind::succeeded) {
    app->dirty.insert(job.drifted.begin(), job.drifted.end());
  }
  auto events = with_along(*app, job.event);
  if (outcome.kind == Outcome::Kind::superseded) goes_on(app, as_it_stands(*run), events);
  const auto part = part_of(*app);
  app->run.reset();
  if (outcome.kind == Outcome::Kind::succeeded && job.waited) hurry(app);
  if (outcome.kind == Outcome::Kind::succeeded && job.kind == Kind::remove) {
    app->state = {};
    app->state.uid = app->uid;
    app->in_part.reset();
    app->out_of_sync.clear();
    app->waiting.clear();
    *app->needs = NeedIndex{};
    if (!app->next) orphans_.erase(app->uid);
  }
  idle(app);
  lock.unlock();
  if (again && again->event) {  // before the events end
    again->along = events;
    tell(*again);
  }
  parts_ended(events, part, outcome, run->timings());
  if (outcome.kind == Outcome::Kind::succeeded && job.kind == Kind::commit) pin(app, *run);
}

/// What differs at once from what was just applied is drift like any other; what comes back is said.
void DispatcherImpl::note_repetition(const App& app, const Repetition& repetition) {
  app->dirty.insert(repetition.unlike.begin(), repetition.unlike.end());
  for (const auto& id : app->convergence.succeeded(repetition)) {
    log::warning("not converging: the same change comes back after it succeeded",
                 {{"application", app->config.name.str()}, {"resource", id.str()}});
  }
}

void DispatcherImpl::idle(const App& app) {
  rest(app);
  pump(app);
}

/// Nothing is under way for it any more.
void DispatcherImpl::rest(const App& app) {
  app->hold = Hold::none;
  app->phase = Phase::idle;
  app->wanted = CommitId{};
  app->waits_for.clear();
  app->released_by.clear();
  app->since = env_.clock->wall();
  take_up(app);
  if (app->engaged() || !app->passed_over) return;
  app->passed_over = false;
  const auto repo = repos_.find(app->config.repository);
  if (repo == repos_.end()) return;
  repo->second->look_wanted = true;
  wake(repo->second);
}

/// A heal beside what waits for approval is not what people wait for.
void DispatcherImpl::show_waiting(const App& app, Phase phase, const std::string& why,
                                  const std::string& by) {
  if (app->aside.any()) return;
  app->phase = phase;
  app->waits_for = why;
  app->released_by = by;
  app->since = env_.clock->wall();
}

/// Without the mutex. The revisions of kept syncs stay in the mirror: rollback and healing read blobs from
/// them.
void DispatcherImpl::pin(const App& app, const Run& run) {
  auto& mirror = *run.scope().mirror;
  const std::string prefix = app->uid.str() + "/";
  try {
    std::set<std::string> kept;
    for (const auto& s : env_.store->kept_syncs(app->uid)) kept.insert(prefix + s.revision.str());
    const std::string name = prefix + run.job().revision.str();
    mirror.pin(name, run.job().revision);
    for (const auto& pin : mirror.pins()) {
      if (pin.starts_with(prefix) && !kept.contains(pin) && pin != name) mirror.unpin(pin);
    }
    source::Cancel never;
    mirror.maintain(never);
  } catch (const Failure& failure) {
    log::warning("cannot keep a revision in the mirror",
                 {{"application", run.scope().application.name.str()}, {"error", failure.what()}});
  }
}

/// Without the mutex.
void DispatcherImpl::progress(const App& app, EventId event, SyncId sync, const std::string& stage,
                              const std::string& text) {
  ApplicationName name;
  RepositoryName repository;
  std::vector<EventId> along;
  {
    std::lock_guard lock(mutex_);
    name = app->config.name;
    repository = app->config.repository;
    along = along_of(*app, event);
    const bool shown = !app->aside.any();
    if (shown && stage == "rendered") app->phase = Phase::planning;
    if (shown && stage == "applying") app->phase = Phase::applying;
    // How far a step has come, for as long as it takes.
    if (shown && app->phase == Phase::applying) app->waits_for = stage == "advancing" ? text : std::string();
    if (shown && event) app->sync = sync;  // a heal has none
  }
  // One line a step: how it ended; and of a sync that failed the warning, which has the same words.
  const bool begins = stage == "step" && text.ends_with(to_string(protocol::StepState::begun));
  const bool advances = stage == "advancing";
  const bool fails = stage == "ended" && text != "succeeded";
  log::write(begins || advances || fails ? log::Level::debug : log::Level::info, stage,
             {{"application", name.str()}, {"event", event.value}, {"sync", sync.value}, {"detail", text}});
  tell({env_.clock->wall(), app->uid, repository, event, sync, stage, text, std::move(along)});
}

void DispatcherImpl::tell(const ProgressLine& line) {
  std::lock_guard lock(listeners_mutex_);
  for (const auto& [token, listener] : listeners_) listener(line);
}

}  // namespace gitopsd::sync
