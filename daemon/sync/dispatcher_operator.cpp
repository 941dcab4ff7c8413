// What an operator may ask for, and what the dispatcher tells.
#include <algorithm>
#include <array>

#include "base/json.h"
#include "daemon/sync/dispatcher_state.h"
#include "daemon/sync/operator_audit.h"
#include "daemon/sync/tag_pattern.h"

namespace gitopsd::sync {
namespace {

/// "a", or "a and 2 more".
template <class Ids>
std::string first_of(const Ids& ids) {
  std::string text = ids.begin()->str();
  if (ids.size() > 1) text += " and " + std::to_string(ids.size() - 1) + " more";
  return text;
}

std::string differences_text(const std::set<ResourceId>& ids) {
  return first_of(ids) + (ids.size() > 1 ? " differ" : " differs") + " from what was applied";
}

using AllAiling = std::map<ResourceId, Ailing>;

/// As people rank it: what is broken before what only needs time.
int rank(protocol::Health health) {
  using protocol::Health;
  const std::array worse{Health::healthy,     Health::suspended, Health::unknown,
                         Health::progressing, Health::missing,   Health::degraded};
  return static_cast<int>(std::find(worse.begin(), worse.end(), health) - worse.begin());
}

AllAiling::const_iterator worst(const AllAiling& ailing) {
  return std::max_element(ailing.begin(), ailing.end(), [](const auto& a, const auto& b) {
    return rank(a.second.health) < rank(b.second.health);
  });
}

protocol::Health health_of(const ApplicationLine& app, bool compared) {
  if (!compared || !(app.state.last_succeeded || app.observed)) return protocol::Health::unknown;
  const auto known = app.ailing.empty() ? protocol::Health::healthy : worst(app.ailing)->second.health;
  return app.phase == Phase::waiting_health && known == protocol::Health::healthy
             ? protocol::Health::progressing
             : known;
}

/// "Deployment.apps/shop/web is degraded: REASON (and 2 more are not healthy)", or empty.
std::string ailing_text(const AllAiling& ailing) {
  if (ailing.empty()) return {};
  const auto it = worst(ailing);
  std::string text = it->first.str() + " is " + std::string(to_string(it->second.health));
  if (!it->second.reason.empty()) text += ": " + it->second.reason;
  if (ailing.size() > 1) text += " (and " + std::to_string(ailing.size() - 1) + " more are not healthy)";
  return text;
}

SyncStatus status_of(const ApplicationLine& app, const ApplicationStatus& s, bool compared) {
  if (app.source_missing) return SyncStatus::source_missing;
  if (!app.convergence.stuck().empty()) return SyncStatus::not_converging;
  const bool contested = s.contested.count > 0;
  if (contested && app.error.empty()) return SyncStatus::contested;  // a push that failed is worse news
  if (!compared || !(app.state.last_succeeded || app.observed)) return SyncStatus::unknown;
  const bool differs = !app.out_of_sync.empty() || !s.error.empty() || app.phase != Phase::idle ||
                       s.quarantined || app.rejected || !app.state.last_succeeded;
  return differs ? SyncStatus::out_of_sync : SyncStatus::synced;
}

/// What a sync that failed waits for.
std::string again_text(const ApplicationLine& app) {
  if (!app.again) return "a new state in the repository or the configuration";
  if (app.again->for_health) return app.ailing.empty() ? kHealth : "its health: " + ailing_text(app.ailing);
  const auto left = std::chrono::ceil<std::chrono::seconds>(app.again->when - Monotonic::now());
  return "being tried again in " + std::to_string(std::max<std::int64_t>(left.count(), 0)) + " s";
}

std::string why_failed(const ApplicationLine& app) {
  if (!app.in_part || app.in_part->sync != app.state.last_sync) return "the last sync failed";
  const auto count = app.in_part->left_out;
  return std::to_string(count) + (count == 1 ? " document of " : " documents of ") +
         app.in_part->revision.short_str() + (count == 1 ? " is" : " are") + " left out";
}

/// What an application waits for, and what releases it.
struct Waiting {
  std::string what, released_by{};
};

/// What somebody who asks why it is not as declared has to know: the worst.
Waiting waiting_of(const ApplicationLine& app, const ApplicationStatus& s) {
  const bool idle = s.phase == Phase::idle;
  const std::string sync = "gitopsctl sync " + s.name.str();
  if (s.quarantined)
    return {"a new state in the repository, since it was rolled back", "gitopsctl resume " + s.name.str()};
  if (app.rejected) return {"a new state in the repository: " + app.rejected->text, sync};
  if (idle && !app.error.empty()) return {again_text(app) + ", since " + why_failed(app), sync};
  if (!app.unsigned_report.empty()) return {app.unsigned_report};
  if (!app.report.empty()) return {app.report};
  if (!app.waiting.empty()) return {awaited_text(app.waiting)};
  if (const auto fights = app.contest.fights(Monotonic::now()); !fights.empty())
    return {contested_text(fights, s.destination),
            "ten minutes in which they leave that alone, or gitopsctl resume " + s.name.str() +
                "; a rule in `ignore` of its policy leaves it to them, `suspended: true` all of it"};
  if (const auto stuck = app.convergence.stuck(); !stuck.empty())
    return {stuck_text(stuck), "a manifest that its destination keeps as written: gitopsctl plan " +
                                   s.name.str() + " shows the change"};
  if (!app.out_of_sync.empty()) return {differences_text(app.out_of_sync), sync};
  return {idle ? ailing_text(app.ailing) : std::string()};
}

void say_waiting(const ApplicationLine& app, ApplicationStatus& s) {
  if (!s.waits_for.empty()) return;
  auto waiting = waiting_of(app, s);
  s.waits_for = std::move(waiting.what);
  if (!waiting.released_by.empty()) s.released_by = std::move(waiting.released_by);
}

/// While an attempt runs, the last error is the one's before.
void say_error(const ApplicationLine& app, ApplicationStatus& s) {
  const Job* job = app.under_way();
  const bool runs = app.run && job == &app.run->job();
  const bool heals = app.run && app.run->job().kind == Kind::heal;
  s.attempt = job ? job->tries + 1 : 0;
  (runs ? s.error_before : s.error) = app.error;
  if (app.error.empty()) (heals ? s.error_before : s.error) = app.heal_error;
}

/// What was asked to be deleted and is still there: the sync that asked said what keeps it.
std::string leaving_text(const store::Store& store, const ApplicationStatus& s) {
  for (const auto& entry : store.unsettled(s.uid)) {
    if (!entry.intended_sync || !entry.intended_digest.empty()) continue;
    const auto sync = store.sync(s.sync);
    return sync && !sync->reason.empty() ? sync->reason : entry.id.str() + " is being deleted";
  }
  return {};
}

ApplicationStatus what_it_does(const ApplicationLine& app) {
  ApplicationStatus s;
  s.name = app.config.name;
  s.uid = app.uid;
  s.destination = app.config.destination;
  s.revision = app.revision();
  s.synced_revision = app.state.revision;
  s.in_part = app.in_part;
  s.wanted = app.wanted;
  s.phase = app.phase == Phase::idle && app.next ? Phase::queued : app.phase;
  s.waits_for = app.waits_for;
  s.released_by = app.released_by;
  say_error(app, s);
  s.sync = app.sync ? app.sync : app.state.last_sync;
  s.since = app.since;
  return s;
}

void say_orphaned(const store::Store& store, ApplicationStatus& s, bool within_reach) {
  s.waits_for = leaving_text(store, s);
  if (!s.waits_for.empty()) return;
  const bool moved = s.name.str().find('@') != std::string::npos;
  s.waits_for = moved ? "its application went to another destination; nothing that it owns here is deleted"
                      : "it left the configuration; nothing that it owns is deleted";
  s.released_by = within_reach ? "gitopsctl delete " + s.name.str() + " --cascade"
                               : "gitopsctl forget " + s.name.str() + ", since destination " +
                                     s.destination.str() + " is not configured any more";
}

}  // namespace

EventId DispatcherImpl::replay(EventId id, const std::string& who) {
  const auto old = env_.store->event(id);
  if (!old)
    throw fail(ProblemCause::input, "there is no event " + std::to_string(id.value),
               "gitopsctl events lists them");
  if (old->deleted || old->after.empty()) {
    throw fail(ProblemCause::input,
               "event " + std::to_string(id.value) + " names no commit that could be applied");
  }
  store::NewEvent event = static_cast<const store::NewEvent&>(*old);
  event.cause = store::Cause::replay;
  event.actor = who;
  event.note = "replay of event " + std::to_string(id.value);
  event.received = env_.clock->wall();
  const EventId fresh = env_.store->add_event(event);
  notify({fresh});
  return fresh;
}

EventId DispatcherImpl::sync_now(const ApplicationName& name, const std::string& who) {
  const auto app = app_named(name);
  Repo repo;
  config::Application config;
  config::Repository repository;
  {
    std::lock_guard lock(mutex_);
    config = app->config;
    repo = repos_.at(config.repository);
    repository = repo->config;
  }
  // The tip as it is now: a manual sync is also the way out of a lost webhook.
  source::Cancel never;
  const auto refs = repo->mirror->remote_refs(remote_of(repository), {config.ref}, never);
  const auto ref = meant(config.ref, refs);
  if (!ref) {
    throw fail(ProblemCause::input, config.ref + " does not exist at repository " + config.repository.str(),
               "check `ref` of the application");
  }
  store::NewEvent event;
  event.cause = store::Cause::manual;
  event.repository = config.repository;
  event.ref = *ref;
  event.after = refs.at(*ref);
  event.application = config.uid;
  event.actor = who;
  event.received = env_.clock->wall();
  const EventId id = env_.store->add_event(event);
  notify({id});
  return id;
}

EventId DispatcherImpl::delete_cascade(const ApplicationName& name, const std::string& who) {
  App app = orphan_named(name);
  const bool orphan = app != nullptr;
  if (!orphan) app = app_named(name);
  config::Application config;
  {
    std::lock_guard lock(mutex_);
    config = app->config;
  }
  if (!orphan && !config.suspended) {
    throw fail(ProblemCause::conflict,
               "application " + name.str() + " is configured and would come back at once",
               "set `suspended: true` first, or take it out of the configuration");
  }
  store::NewEvent event;
  event.cause = store::Cause::manual;
  event.repository = config.repository;
  event.application = config.uid;
  event.actor = who;
  event.note = "cascade";
  event.received = env_.clock->wall();
  const EventId id = env_.store->add_event(event);
  env_.store->audit(audit_of("delete", who, name, Value::object({{"event", id.value}})));
  notify({id});
  return id;
}

std::vector<ApplicationStatus> DispatcherImpl::status() const {
  std::vector<ApplicationStatus> list;
  std::vector<store::ApplicationState> stored = env_.store->applications();
  std::map<ApplicationUid, ApplicationStatus> leaving;
  std::set<DestinationName> destinations;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [uid, app] : apps_) {
      ApplicationStatus s = what_it_does(*app);
      s.repository = app->config.repository;
      s.ref = app->config.ref;
      const auto away = unreachable(s.destination);
      const bool compared = app->compared && !away;
      s.health = health_of(*app, compared);
      s.suspended = app->config.suspended;
      s.quarantined = !app->state.quarantined.empty();
      tell_fights(*app, env_.clock->wall(), s);
      if (away && s.phase == Phase::idle) {
        s.waits_for = "destination " + s.destination.str() + ": " + away->condition.message;
        s.released_by = away->condition.hint;
      }
      say_waiting(*app, s);
      s.status = status_of(*app, s, compared);
      if (const auto dest = dests_.find(s.destination); dest != dests_.end())
        s.conditions = conditions_of(*dest->second->provider, &uid);
      list.push_back(std::move(s));
    }
    for (const auto& [uid, app] : orphans_) leaving.emplace(uid, what_it_does(*app));
    for (const auto& [name, dest] : dests_) destinations.insert(name);
  }
  std::set<ApplicationUid> configured;
  for (const auto& s : list) configured.insert(s.uid);
  for (const auto& state : stored) {
    if (configured.contains(state.uid)) continue;
    auto known = leaving.find(state.uid);
    ApplicationStatus s = known == leaving.end() ? ApplicationStatus{} : std::move(known->second);
    s.name = state.name;
    s.uid = state.uid;
    s.destination = state.destination;
    s.revision = s.synced_revision = state.revision;
    s.orphaned = true;
    if (!s.sync) s.sync = state.last_sync;
    if (s.waits_for.empty() && s.phase == Phase::idle)
      say_orphaned(*env_.store, s, destinations.contains(s.destination));
    list.push_back(std::move(s));
  }
  for (auto& s : list) {
    s.resources = env_.store->inventory_count(s.uid);
    if (s.waits_for.empty() && s.phase == Phase::idle) s.waits_for = leaving_text(*env_.store, s);
  }
  std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return list;
}

std::vector<RepositoryStatus> DispatcherImpl::repositories() const {
  std::lock_guard lock(mutex_);
  std::vector<RepositoryStatus> list;
  for (const auto& [name, repo] : repos_)
    list.push_back({name, repo->config.url, repo->last_look, repo->error});
  return list;
}

Metrics DispatcherImpl::metrics() const {
  std::lock_guard lock(mutex_);
  return metrics_;
}

std::vector<store::Timings> DispatcherImpl::take_timings() {
  std::lock_guard lock(mutex_);
  return std::exchange(ended_timings_, {});
}

int DispatcherImpl::subscribe(std::function<void(const ProgressLine&)> line) {
  std::lock_guard lock(listeners_mutex_);
  listeners_.emplace(next_listener_, std::move(line));
  return next_listener_++;
}

void DispatcherImpl::unsubscribe(int token) {
  std::lock_guard lock(listeners_mutex_);
  listeners_.erase(token);
}

}  // namespace gitopsd::sync
