// What cannot go on now: it waits for health or its next attempt without a worker. Functions here want
// `mutex_` held.
#include <algorithm>

#include "base/log.h"
#include "daemon/sync/backoff.h"
#include "daemon/sync/dispatcher_state.h"

namespace gitopsd::sync {
namespace {

using namespace std::chrono_literals;
using Hold = ApplicationLine::Hold;

constexpr int kDeathsAtMost = 3;
constexpr auto kHealthPollMax = 5s;
constexpr auto kFirstAgain = 2s;  ///< doubled up to five minutes
constexpr const char *kAgainIn = "tried again in ", *kAgainHealthy = "tried again when it is healthy";

std::string seconds_text(std::chrono::milliseconds d) {
  return std::to_string((d.count() + 999) / 1000) + " s";
}

}  // namespace

/// Held for approval or waiting for health: no worker is kept.
void DispatcherImpl::park(const App& app, const Outcome& outcome) {
  const bool approval = outcome.kind == Outcome::Kind::held;
  app->error_of(app->run->job().kind).clear();  // of the sync before: this one has come past it
  app->hold = approval ? Hold::approval : Hold::health;
  show_waiting(app, approval ? Phase::held : Phase::waiting_health, outcome.reason,
               approval ? release_commands(*app, *app->run) : kHealth);
  Word word{store::EventState::running};
  if (approval) word = {store::EventState::held, outcome.reason + "; " + release_commands(*app, *app->run)};
  say(app, app->along, app->run->job().event, word);
  if (!approval) {
    look_at_health(app, app->health_poll);
    app->health_poll = std::min<std::chrono::milliseconds>(app->health_poll * 2, kHealthPollMax);
  }
  pump(app);
}

void DispatcherImpl::look_at_health(const App& app, std::chrono::milliseconds delay) {
  const auto timer = ++app->timer;
  const auto look = [this, app, run = app->run] {
    in_lane(app, [this, app, run] { ended(app, run, run->check()); });
  };
  if (delay.count() == 0) {
    app->hold = Hold::busy;
    workers_->post(look);
    return;
  }
  workers_->at(Monotonic::now() + delay, [this, app, run = app->run, timer, look] {
    {
      std::lock_guard lock(mutex_);
      if (app->timer != timer || app->run != run || stopping_) return;
      app->hold = Hold::busy;
    }
    look();
  });
}

/// For those who follow the event, after the line that says how the attempt ended; told without the mutex.
ProgressLine DispatcherImpl::again_line(const App& app, EventId event, const std::string& when) const {
  return {env_.clock->wall(), app->uid, app->config.repository, event, app->sync,
          "waiting",          when,     app->along.events};
}

/// The event has ended with its error; what it asked for still holds. A namespace, a right or the owner's
/// letting go may come from elsewhere; what lacked health alone is done when all is healthy. Returns what to
/// tell of that.
std::optional<ProgressLine> DispatcherImpl::try_again(const App& app, Job job, bool for_health) {
  if ((job.kind != Kind::commit && job.kind != Kind::rollback) || !configured(app)) return std::nullopt;
  const auto delay = let_go_meanwhile(app) ? 0ms : backoff(kFirstAgain, job.failures);
  const auto line = again_line(app, job.event, for_health ? kAgainHealthy : kAgainIn + seconds_text(delay));
  job.event = EventId{};
  job.cause = store::Cause::context;
  job.hook = HookName{};
  job.delivery = DeliveryId{};
  job.actor.clear();
  job.left = SyncId{};
  job.approved = {};
  job.attempt = 0;
  ++job.failures;
  ++job.tries;
  const auto id = ++app->last_again;
  app->again = ApplicationLine::Again{std::move(job), id, for_health, false, Monotonic::now() + delay};
  if (for_health) {
    app->dirty_all = true;
    return line;
  }
  workers_->at(app->again->when, [this, app, id] {
    std::lock_guard lock(mutex_);
    if (!app->again || app->again->id != id) return;
    app->again->due = true;
    pump(app);
  });
  return line;
}

void DispatcherImpl::begin_again(const App& app) {
  if (app->hold != Hold::none || !app->again || !app->again->due || !configured(app) || app->config.suspended)
    return;
  Job job = std::move(app->again->job);
  app->again.reset();
  job.received = env_.clock->wall();
  begin(app, std::move(job));
}

void DispatcherImpl::retry(const App& app, const std::shared_ptr<Run>& run, const Outcome& outcome) {
  Job job = as_it_stands(*run);
  if (!run->left()) job.left = SyncId{};
  app->error_of(job.kind) = outcome.error;
  app->run.reset();
  if (app->next || job.kind == Kind::heal) {
    // Something newer is there, or it was a heal, which is seen again: level-triggered.
    if (job.kind == Kind::heal) app->dirty.insert(job.drifted.begin(), job.drifted.end());
    auto events = with_along(*app, job.event);
    if (app->next) goes_on(app, job, events);
    const auto end = app->next ? superseded_outcome(superseded_by(*app->next), error_before_next(*app))
                               : superseded_outcome("its drift is seen again");
    workers_->post([this, end, events = std::move(events), part = part_of(*app), t = run->timings()] {
      parts_ended(events, part, end, t);
    });
    if (app->next) return idle(app);
  }
  const auto dest = dests_.find(app->config.destination);
  const bool died =
      dest != dests_.end() && app->generation != 0 &&  // one that was not there cannot die
      (!dest->second->provider->connected() || dest->second->provider->generation() != app->generation);
  if (died) ++app->provider_deaths;
  const bool guilty = app->provider_deaths >= kDeathsAtMost;
  ++job.attempt;
  ++job.tries;
  if (guilty) {
    app->provider_deaths = 0;
    ++metrics_.syncs_failed;
    workers_->post(
        [this, part = part_of(*app), events = with_along(*app, job.event), outcome, t = run->timings()] {
          Outcome end = outcome;
          end.error = "the provider died three times while it worked on this application: " + end.error;
          end.kind = Outcome::Kind::failed;
          parts_ended(events, part, end, t);
        });
    return idle(app);
  }
  auto delay = let_go_meanwhile(app) ? 0ms : backoff(250ms, job.attempt);
  if (outcome.within > 0) delay = std::min<std::chrono::milliseconds>(delay, outcome.within * 1s);
  if (job.event) app->along.events.push_back(job.event);  // superseded if something newer comes meanwhile
  app->hold = Hold::backoff;
  const std::string again = kAgainIn + seconds_text(delay);
  show_waiting(app, Phase::backing_off, again, "time");  // why is its error
  log::warning("sync will be tried again",
               {{"application", app->config.name.str()}, {"attempt", job.attempt}, {"error", outcome.error}});
  if (job.event) {
    workers_->post([this, line = again_line(app, job.event, again)] {
      tell(line);
      env_.store->add_attempt(line.event);
    });
  }
  say(app, app->along, job.event, {store::EventState::running, again + ": " + outcome.error});
  app->retry_at = Monotonic::now() + delay;
  if (job.kind != Kind::heal) app->retrying = std::move(job);
  back_off(app);
  pump(app);
}

/// Until `retry_at`. A heal has nothing to begin again with: its drift is looked at anew.
void DispatcherImpl::back_off(const App& app) {
  const auto begin_again = [this, app] {
    app->hold = Hold::none;
    if (!app->retrying) return idle(app);
    Job job = std::move(*std::exchange(app->retrying, std::nullopt));
    std::erase(app->along.events, job.event);
    begin(app, std::move(job));
  };
  // Looks at the live state that fail, one after the other, must not keep it from its turn.
  if (Monotonic::now() >= app->retry_at) return begin_again();
  const auto timer = ++app->timer;
  workers_->at(app->retry_at, [this, app, timer, begin_again] {
    std::lock_guard lock(mutex_);
    if (app->timer != timer || app->hold != Hold::backoff || stopping_) return;
    begin_again();
  });
}

/// What it waited for may be there: the back-off ends now.
void DispatcherImpl::hurry(const App& app) {
  if (app->again && !app->again->for_health) app->again->due = true;
  if (!stopping_ && app->hold == Hold::backoff && app->look_failed) return look_anew(app);
  if (stopping_ || !(app->retrying || app->aside.retrying)) return;
  app->retry_at = Monotonic::now();
  if (app->hold != Hold::backoff || !app->retrying) return;  // it is looked at meanwhile
  ++app->timer;
  back_off(app);
}

}  // namespace gitopsd::sync
