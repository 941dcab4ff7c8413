// The dispatcher's inside, shared by the dispatcher_*.cpp files: one mutex guards all that decides; every
// blocking call (store, mirror, provider) is made without it, on a worker.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/heap.h"
#include "daemon/render/external.h"
#include "daemon/sync/bases.h"
#include "daemon/sync/contest.h"
#include "daemon/sync/dispatcher.h"
#include "daemon/sync/input_key.h"
#include "daemon/sync/look.h"
#include "daemon/sync/remote.h"
#include "daemon/sync/run.h"
#include "daemon/sync/workers.h"

namespace gitopsd::sync {

/// Lines outlive a reload, which replaces their configuration: that is read with the mutex, names at any
/// time.
struct RepositoryLine {
  explicit RepositoryLine(RepositoryName n) : name(std::move(n)) {}
  const RepositoryName name;
  config::Repository config;
  std::shared_ptr<source::Mirror> mirror;
  source::Cancel cancel;
  std::map<EventId, store::Event> pending;  ///< waiting for a fetch
  std::map<EventId, int> missing;           ///< how often the commit of one was not there
  bool busy = false;
  bool look_wanted = false;  ///< poll at the next occasion
  int failures = 0;          ///< to fetch what events are about, in a row
  std::uint64_t timer = 0;   ///< only the newest poll timer counts
  /// What polls found at a ref, and the event that they made of it.
  struct Found {
    CommitId tip;
    EventId event;
    int times = 0;  ///< in a row, of one tip
    Monotonic::time_point next{};
  };
  std::map<Ref, Found> found;
  WallMicros last_look = 0;
  std::string error;
};

struct DestinationLine {
  explicit DestinationLine(config::Destination c) : config(std::move(c)) {}
  const config::Destination config;
  std::shared_ptr<Provider> provider;
  WallMicros unreachable_since = 0;            ///< as its provider says; 0: it is not
  int running = 0;                             ///< runs that use the provider at this moment
  ApplicationUid alone;                        ///< the one that runs by itself, after its provider died twice
  std::vector<std::function<void()>> waiting;  ///< for `alone` to end, or to be alone
  std::uint64_t let_go = 0;                    ///< how often something of it was let go of
  std::set<ApplicationUid> awaiting;           ///< those that failed for want of another's word
  std::string trouble_said;                    ///< why its provider cannot be started; keep_connected()'s
};

struct ApplicationLine {
  explicit ApplicationLine(ApplicationUid u) : uid(std::move(u)) { state.uid = uid; }
  const ApplicationUid uid;
  config::Application config;
  std::string settings_key;       ///< of `config` and its destination
  store::ApplicationState state;  ///< as the store has it; only the dispatcher writes it
  std::shared_ptr<NeedIndex> needs = std::make_shared<NeedIndex>();
  std::optional<Job> next;   ///< the newest wins
  std::shared_ptr<Run> run;  ///< busy or parked
  Askers along;              ///< for what `run` does; they end with it
  /// What waits for approval, health or its next attempt, out of the way of a look at the live state and of a
  /// heal.
  struct Aside {
    std::shared_ptr<Run> run;
    Askers along;
    CommitId wanted;
    WallMicros since = 0;
    std::string waits_for{};
    bool approved = false;  ///< meanwhile
    bool health = false;    ///< it waits for health, not for somebody's word
    std::optional<Job> retrying{};
    bool any() const { return run || retrying; }
  } aside;
  enum class Hold { none, busy, approval, health, backoff } hold = Hold::none;
  std::optional<Job> retrying;  ///< backing off, to begin again at `retry_at`
  Monotonic::time_point retry_at{};
  std::uint64_t timer = 0;        ///< only the newest timer counts
  std::uint64_t check_timer = 0;  ///< the same for the periodic check
  std::chrono::milliseconds health_poll{200};
  std::string last_tried_key;  ///< tried_key() of the last attempt, so that a context event is made once
  /// The newest commit that was looked at, and what it asks for.
  struct Seen {
    CommitId commit;
    std::string input_key;
  } seen;
  /// The newest commit that asks for just what the sync `of` brought. In memory only: cost follows change.
  struct Accord {
    CommitId commit;
    SyncId of;
  } accord;
  int provider_deaths = 0;       ///< in a row, with a run of this application in flight
  std::uint64_t generation = 0;  ///< the provider's life in which `run` began
  std::uint64_t let_go = 0;      ///< the destination's when `run` began

  bool dirty_all = false, dirty_full = false;
  std::set<ResourceId> dirty;
  Contest contest;
  Convergence convergence;
  std::set<ResourceId> out_of_sync;     ///< drift that is only reported
  std::map<ResourceId, Waits> waiting;  ///< drift that cannot be put back yet
  bool looks_at_waiting = false;        ///< a timer will look whether it can
  int waiting_looks = 0;                ///< in a row
  bool passed_over = false;  ///< a look at the repository left it alone, since something was under way
  bool source_missing = false;
  std::string report;           ///< why OutOfSync or Unknown, where no sync says so
  std::string unsigned_report;  ///< of a commit that no signed delivery named, until a sync succeeds
  /// What somebody did not want applied: not asked for again until the input changes.
  struct Rejected {
    std::string input_key, source_key, text;
  };
  std::optional<Rejected> rejected;
  std::vector<Rejected> rejections;     ///< of the same source, also under other settings
  std::optional<InPartStatus> in_part;  ///< applied since the last succeeded sync
  bool passes_in_part = false;          ///< and not tried again yet since the start, though it may come right
  /// A sync that failed for what may pass: tried again by itself, when it is time or all is healthy.
  struct Again {
    Job job;
    std::uint64_t id = 0;
    bool for_health = false, due = false;
    Monotonic::time_point when{};
  };
  std::optional<Again> again;
  std::uint64_t last_again = 0;
  bool compared = false;     ///< the live state was looked at since the start
  bool looks_again = false;  ///< a timer will look at what could not be compared
  bool look_failed = false;  ///< the back-off is one of a look, which has nothing to begin again with
  int unknown_looks = 0;     ///< in a row, or that failed

  Phase phase = Phase::idle;
  /// Of the last sync and of the last heal: that one put drift back tells nothing of the other.
  std::string error, heal_error;
  std::string& error_of(Kind kind) { return kind == Kind::heal ? heal_error : error; }
  std::string waits_for, released_by;
  CommitId wanted;
  SyncId sync;
  WallMicros since = 0;
  /// What is owned and neither healthy nor suspended, as it was last seen.
  std::map<ResourceId, Ailing> ailing;
  bool observed = false;  ///< something that it owns was looked at since the start

  bool moving = false;  ///< it goes to another destination, which the store has not heard of

  bool engaged() const { return run || next || aside.any(); }
  /// What runs, waits or backs off, if that is no heal.
  const Job* under_way() const {
    if (aside.any()) return aside.run ? &aside.run->job() : &*aside.retrying;
    if (retrying) return &*retrying;
    return run && run->job().kind != Kind::heal ? &run->job() : nullptr;
  }
  /// The newest commit that it is in accord with, as far as is known.
  const CommitId& revision() const {
    return accord.of && accord.of == state.last_succeeded ? accord.commit : state.revision;
  }
  /// The newest commit that asks for what the job brings.
  const CommitId& newest_of(const Job& job) const {
    return !job.input_key.empty() && job.input_key == seen.input_key ? seen.commit : job.revision;
  }
  /// The run that waits for approval, if one does.
  std::shared_ptr<Run> held() const {
    if (aside.run) return aside.health ? nullptr : aside.run;
    return hold == Hold::approval ? run : nullptr;
  }
};

/// The events that end with what the application is doing now; it forgets them.
inline std::vector<EventId> with_along(ApplicationLine& app, EventId event) {
  std::vector<EventId> events = std::exchange(app.along, {}).events;
  events.push_back(event);
  return events;
}

/// Why what an application was about ends with it.
inline constexpr const char* kLeft = "the application left the configuration";

/// Why what an application was about at its old destination ends.
inline constexpr const char* kMoved = "the application goes to another destination";

inline constexpr const char* kHealth = "its health";
inline constexpr const char* kSuspended = "the application is suspended";
inline constexpr const char* kSuspendedRelease = "remove `suspended: true` from its configuration and reload";

/// For people: of what waits, which is something.
std::string awaited_text(const std::map<ResourceId, Waits>&);
// dispatcher_contested.cpp; of lists that are not empty.
std::string stuck_text(const std::vector<Convergence::Stuck>&);
std::string contested_text(const std::vector<Contest::Fight>&, const DestinationName&);
/// Adds both lists; `wall` is now.
void tell_fights(const ApplicationLine&, WallMicros wall, ApplicationStatus&);

/// The command lines that release a run which waits for approval, and what ends it otherwise.
std::string release_commands(const ApplicationLine&, const Run& held);
/// For people: why something ends that was to be done before this job.
std::string superseded_by(const Job&);
/// Whether both are for the same state of the repository, of which only the settings or the render context
/// may have become others in between.
bool same_state(const Job&, const Job&);
/// What the last attempt ended with, where something newer takes its place.
std::string error_before_next(const ApplicationLine&);
/// Its job, with the word that somebody gave for it.
Job as_it_stands(const Run&);
/// For people: `by` is "rejected by ada".
std::string rejected_text(const CommitId&, const std::string& by);
std::string only_reported(const CommitId&);

/// Which application an event is through with, and the sync that it ended with or after.
struct Part {
  ApplicationUid uid;
  SyncId sync;
};
inline Part part_of(const ApplicationLine& app) {
  return {app.uid, app.state.last_sync};
}

/// What the store knows of an application's syncs since the last succeeded one.
struct Memory {
  std::vector<ApplicationLine::Rejected> rejections{};
  bool rejected = false;  ///< the first of them is what the newest sync was about
  std::optional<InPartStatus> in_part{};
  std::string tried{}, error{};  ///< of the newest sync, where that is the one that applied in part
  bool may_pass = false;         ///< likewise
};

/// An event's open ends: it ends when the last application that it concerns does.
struct Tracker {
  explicit Tracker(Word word = {}) : told(std::move(word)) {}
  int open = 0;
  bool decided = false;  ///< all its applications are known
  int succeeded = 0, superseded = 0, cancelled = 0;
  std::vector<std::string> errors;
  std::map<ApplicationUid, SyncId> failed;  ///< whose errors they are
  std::vector<std::string> given_up;        ///< of those where something newer came after an attempt failed
  std::set<ApplicationUid> failed_before;   ///< in which it goes along with another event after that
  SyncId came_right_by;                     ///< the sync of that one
  std::string note;
  store::Timings timings;
  bool begun = false;                   ///< something that it asks for
  std::map<ApplicationUid, Word> says;  ///< of those that have more to say than that
  Word told;                            ///< what the store has, or is about to have
  bool telling = false;                 ///< a worker writes it
};

class DispatcherImpl : public Dispatcher {
 public:
  explicit DispatcherImpl(Environment);
  ~DispatcherImpl() override;

  void start() override;
  void notify(const std::vector<EventId>&) override;
  void reload(config::Snapshot) override;
  void stop(Deadline) override;

  EventId replay(EventId, const std::string& who) override;
  EventId sync_now(const ApplicationName&, const std::string& who) override;
  PlanView plan(const ApplicationName&, const std::optional<CommitId>&) override;
  CommitId commit_named(const ApplicationName&, const std::string& prefix, bool known) override;
  SyncId approve(const ApplicationName&, const std::optional<SyncId>&, const std::string& who) override;
  SyncId reject(const ApplicationName&, const std::optional<SyncId>&, const std::string& who) override;
  EventId rollback(const ApplicationName&, const std::optional<CommitId>&, const std::string& who) override;
  void resume(const ApplicationName&, const std::string& who) override;
  EventId delete_cascade(const ApplicationName&, const std::string& who) override;
  Forgotten forget(const ApplicationName&, const std::string& who) override;
  void accept_destination(const DestinationName&, const std::optional<std::string>& looked_at,
                          const std::string& who) override;

  std::vector<ApplicationStatus> status() const override;
  std::vector<RepositoryStatus> repositories() const override;
  std::vector<DestinationStatus> destinations() const override;
  Metrics metrics() const override;
  std::vector<store::Timings> take_timings() override;
  int subscribe(std::function<void(const ProgressLine&)>) override;
  void unsubscribe(int) override;

 private:
  using App = std::shared_ptr<ApplicationLine>;
  using Repo = std::shared_ptr<RepositoryLine>;
  using Dest = std::shared_ptr<DestinationLine>;

  // dispatcher.cpp: life
  void look_at_repositories();
  void look_at_applications();
  void recover();
  void take_open_events(EventId last);

  // dispatcher_configure.cpp: a configuration comes into force
  void configure(const config::Snapshot&);
  std::vector<std::shared_ptr<Provider>> configure_destinations(const config::Config&);
  std::vector<store::Event> configure_repositories(const config::Config&);
  using Memories = std::map<ApplicationUid, Memory>;
  void configure_applications(const config::Config&, const std::vector<store::ApplicationState>& known,
                              const Memories&);
  void record_applications(const std::vector<store::ApplicationState>& known);
  void forget_orphan(const ApplicationUid&);
  void let_go(const App&, const std::string& why);
  void drop_next(const App&, const std::string& why);
  void keep_connected(const std::weak_ptr<DestinationLine>&);
  bool configured(const App&) const;

  // dispatcher_remember.cpp: what syncs since the last succeeded one left behind
  Memories memories(const std::vector<store::ApplicationState>& known) const;
  static void remember(ApplicationLine&, const Memory&);
  static bool is_rejected(const App&, const std::string& input_key);
  static void forget_rejections(const App&, const Job& begun);
  bool is_in_part(const App&, const Job& of, const std::string& render_context_digest);

  // dispatcher_move.cpp: an application goes to another destination
  bool moves(const store::ApplicationState&, const config::Application&) const;
  void move(const App&);
  void moved(const App&, const store::Configured&);
  store::Configured configured_as(const config::Application&) const;

  // dispatcher_repositories.cpp: fetch and decide
  void take_event(store::Event);
  void wake(const Repo&);
  void work(const Repo&);
  void decide_ref(const Repo&, const Ref&, std::vector<store::Event>);
  void decide_direct(const store::Event&);
  // dispatcher_choose.cpp
  std::optional<CommitId> choose(const Repo&, const CommitId& tip, std::vector<store::Event>&);
  void await_missing(const Repo&, const Ref&, const CommitId& tip, const std::optional<CommitId>& chosen,
                     std::vector<store::Event>&);
  using PassedOver = std::map<ApplicationUid, std::string>;  ///< why an event's ref is not theirs
  PassedOver passed_over(const Repo&, const source::Remote&, const Ref&, const std::vector<App>&);
  void decide_event(const Repo&, const store::Event&, const std::vector<App>&, const PassedOver&,
                    const CommitId& tip, const source::Snapshot&, WallMicros fetched_at);
  void concern(const App&, const store::Event&, const source::Snapshot&, source::Standing, std::string& note);
  bool take_along(const App&, const store::Event&, const std::string& key, bool force);
  void show_fetch(const Repo&, const Ref&, const std::vector<App>&, const source::Progress&, bool first);
  void give_back(const Repo&, const std::vector<store::Event>&, const Failure&);
  void judge(const Repo&, std::vector<store::Event>, const Failure&);
  static Job commit_job(const store::Event&);
  static CommitId newest_wanted(const App&, const CommitId& commit);
  std::vector<App> followers(const RepositoryName&, const Ref&) const;

  // dispatcher_look.cpp: polls
  void look(const Repo&);
  bool expected(const Repo&, const CommitId& tip) const;
  bool known(const Repo&, const Ref&, const CommitId& tip);
  void note_found(const Repo&, const Ref&, const CommitId& tip, EventId);
  bool pass_over(const App&);
  void note_accord(const App&, const CommitId& tip, SyncId succeeded);
  void schedule_look(const Repo&, std::chrono::milliseconds);

  // dispatcher_applications.cpp: one sync at a time each
  void offer(const App&, Job);
  void pump(const App&);
  void begin(const App&, Job);
  void in_lane(const App&, const std::function<void()>& body);
  void trim_soon();
  void ended(const App&, const std::shared_ptr<Run>&, Outcome);
  void show_waiting(const App&, Phase, const std::string& why, const std::string& by);
  void note_repetition(const App&, const Repetition&);
  void idle(const App&);
  void rest(const App&);
  Scope scope_of(const App&);
  std::shared_ptr<render::Bases> bases_of(const config::Application&) const;
  void pin(const App&, const Run&);
  void quarantine(const App&, const std::function<std::string(const std::string& before)>& change);
  void part_ended(EventId, const Part&, const Outcome&, const store::Timings&);
  void parts_ended(const std::vector<EventId>&, const Part&, const Outcome&, const store::Timings&);
  void finish_event(EventId, const Tracker&);
  void record_end(EventId, const Tracker&);
  void progress(const App&, EventId, SyncId, const std::string& stage, const std::string& text);
  void tell(const ProgressLine&);

  // dispatcher_handover.cpp: what moves from one application to another
  std::vector<Other> others_of(const ApplicationUid&, const DestinationName&);
  void hand_on(const App&, Run&, const Outcome&);
  bool let_go_meanwhile(const App&) const;

  // dispatcher_waiting.cpp: for health, and for the next attempt
  void park(const App&, const Outcome&);
  void look_at_health(const App&, std::chrono::milliseconds delay);
  std::optional<ProgressLine> try_again(const App&, Job, bool for_health);
  ProgressLine again_line(const App&, EventId, const std::string& when) const;
  void begin_again(const App&);
  void retry(const App&, const std::shared_ptr<Run>&, const Outcome&);
  void back_off(const App&);
  void hurry(const App&);

  // dispatcher_held.cpp
  static std::shared_ptr<Run> held_run(const App&, const std::optional<SyncId>& looked_at);
  void goes_on(const App&, const Job& before, std::vector<EventId>& events);
  void release_parked(const App&, const std::string& why);
  void release_aside(const App&, const std::string& why);
  void end_waiting(const App&, const std::shared_ptr<Run>&, std::vector<EventId>, const std::string& why,
                   const std::string& error = {});
  void set_aside(const App&);
  void take_up(const App&);
  void go_on(const App&);
  bool leave_held(const store::Sync&);
  void take_up_left(const App&, Job&);
  void end_left();
  void end_left(const store::Sync&, const std::string& why);

  // dispatcher_words.cpp: what open events say
  void say(const App&, Askers&, EventId, const Word&);
  void say_of(EventId, const ApplicationUid&, const Word&);
  void tell_word(EventId, Tracker&);
  void write_word(EventId);
  void told_by_sync(EventId);

  // dispatcher_drift.cpp
  void drifted(const DestinationName&, const protocol::Changed&);
  void look_at_live(const App&);
  void look_anew(const App&);
  struct Drifted;
  std::vector<ResourceId> to_heal(const App&, const Look&, Drifted&);
  void look_again(const App&, bool known);
  void schedule_check(const App&);

  // dispatcher_rollback.cpp
  bool resume_healing(const App&);

  // dispatcher_await.cpp
  bool await_others(const App&, const Look&, const std::vector<ResourceId>* asked);
  void look_at_waiting(const App&);

  // dispatcher_destinations.cpp
  void condition_changed(const DestinationName&);
  std::optional<ToldCondition> unreachable(const DestinationName&) const;
  std::vector<ConditionStatus> conditions_of(const Provider&, const ApplicationUid* concerned) const;

  // dispatcher_plan.cpp
  CommitId fetch_tip(const Repo&, const config::Repository&, const std::string& followed) const;
  void say_kept_off(const App&, const Run&, PlanView&) const;

  App app_named(const ApplicationName&) const;
  App app_or_orphan(const ApplicationName&) const;
  App app_of(const ApplicationUid&) const;
  /// One that left the configuration, as it was last configured; nullptr when it is unknown.
  App orphan_of(const ApplicationUid&);
  /// The same by its last name; nullptr where none has it.
  App orphan_named(const ApplicationName&);
  App orphan_line(const store::ApplicationState&);
  PlanView plan_deletion(const App&);

  // dispatcher_forget.cpp: an orphan whose destination is gone for good
  store::ApplicationState orphan_to_forget(const ApplicationName&) const;
  void occupy(const App&, const std::string& why);

  Environment env_;
  const std::shared_ptr<render::OutputCache> outputs_ = std::make_shared<render::OutputCache>();
  const std::shared_ptr<BaseTags> base_tags_ = std::make_shared<BaseTags>();
  std::mutex quarantine_mutex_;  ///< taken before `mutex_`
  std::mutex configure_mutex_;   ///< taken before `mutex_`: who is an orphan does not change meanwhile
  mutable std::mutex mutex_;
  config::Snapshot config_;
  bool stopping_ = false;
  std::map<ApplicationUid, App> apps_;
  std::map<ApplicationUid, store::Sync> left_held_;  ///< waited at the stop; not taken up yet
  std::map<ApplicationUid, App> orphans_;  ///< that left since the start, or that somebody asked to delete
  std::map<RepositoryName, Repo> repos_;
  std::map<DestinationName, Dest> dests_;
  std::unordered_map<EventId, Tracker> trackers_;
  Metrics metrics_;
  std::vector<store::Timings> ended_timings_;
  HeapTrim heap_;
  bool trim_due_ = false;

  mutable std::mutex listeners_mutex_;
  std::map<int, std::function<void(const ProgressLine&)>> listeners_;
  int next_listener_ = 1;

  // Fetches have threads of their own, so that a Git server which says nothing delays no sync. Last members:
  // their threads end before what they use.
  std::unique_ptr<Workers> fetchers_, workers_;
};

}  // namespace gitopsd::sync
