// One sync of one application, from its work to its outcome. Holds no thread while it waits: `start`,
// `approved` and `check` return, and whoever owns the run calls again.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/sync/convergence.h"
#include "daemon/sync/handover.h"
#include "daemon/sync/problems.h"
#include "daemon/sync/stored_plan.h"
#include "daemon/sync/work.h"

namespace gitopsd::sync {

enum class Kind { commit, rollback, heal, remove };
std::string_view to_string(Kind);
/// What an event that is open says of itself.
struct Word {
  store::EventState state = store::EventState::queued;
  std::string reason{};
  bool operator==(const Word&) const = default;
};
/// Other events that ask for the same as a job's own, and what all of them say.
struct Askers {
  std::vector<EventId> events{};
  Word word{};
  /// The newest of them that was not somebody's wish, while they wait.
  struct News {
    EventId event{};
    CommitId commit{};
  } news{};
};

/// "1 step", "2 steps".
std::string steps_text(std::size_t count);

/// Whose word lets a sync go on that waited for it, and the plan that they saw.
struct Approval {
  std::string by{};
  std::string plan{};   ///< without preconditions that each plan has of its own
  std::string place{};  ///< which destination that was
};

struct Job {
  Kind kind = Kind::commit;
  EventId event;  ///< none for a heal
  store::Cause cause = store::Cause::push;
  HookName hook;  ///< and delivery, which brought the event; empty unless one did
  DeliveryId delivery;
  std::string actor;
  CommitId revision;
  std::string source_key, input_key;  ///< of a commit; what a rollback leads away from when it never succeeds
  bool force = false;                 ///< compare everything with the live state
  SyncId rollback_to;
  std::vector<ResourceId> drifted;
  /// What the application owns that is not healthy, where that is known.
  std::optional<std::vector<ResourceId>> ailing{};
  WallMicros received = 0;
  int attempt = 0;
  int failures = 0;     ///< how often it failed, to be tried again by itself
  int tries = 0;        ///< all attempts before this one
  Askers along{};       ///< the dispatcher's
  bool waited = false;  ///< of a heal: what it waited for has come
  /// The sync that waited for approval with this job when the daemon was stopped, and the plan that it
  /// showed.
  SyncId left{};
  std::string left_plan{};
  Approval approved{};  ///< of an attempt before, which ended with nothing of it begun
};

struct Outcome {
  enum class Kind { succeeded, failed, superseded, cancelled, held, waiting, retry };
  Kind kind = Kind::failed;
  std::string reason;  ///< of held, waiting, retry, superseded, cancelled
  std::string error;   ///< of failed and retry; of superseded, what the last attempt ended with
  ProblemCause cause = ProblemCause::internal;
  bool provider_died = false;
  bool unhealthy = false;   ///< failed for nothing but the health of what it applied
  bool may_pass = false;    ///< failed, for nothing that the commit or the policy says: may succeed later
  ApplicationUid awaits{};  ///< failed for want of that one's word
  int within = 0;  ///< of retry: seconds after which whoever refused it may take it; 0: he does not say
  std::optional<AppliedInPart> in_part{};  ///< failed for what it left out alone
};
inline Outcome succeeded_outcome() {
  return {Outcome::Kind::succeeded, {}, {}, ProblemCause::internal, false};
}
inline Outcome superseded_outcome(std::string why, std::string error = {}) {
  return {Outcome::Kind::superseded, std::move(why), std::move(error), ProblemCause::internal, false};
}
/// Somebody did not want it.
inline Outcome cancelled_outcome(std::string why) {
  return {Outcome::Kind::cancelled, std::move(why), {}, ProblemCause::internal, false};
}

class Run {
 public:
  using Progress = std::function<void(const std::string& stage, const std::string& text)>;

  Run(Scope scope, Job job, std::shared_ptr<NeedIndex> needs);
  void on_progress(Progress progress) { progress_ = std::move(progress); }

  Outcome start();
  /// Somebody approved the held plan: plans again, and goes on if the plan is still the same.
  Outcome approved();
  /// Records the approval before anybody is told of it.
  void approve(const std::string& who);
  /// That of somebody, of which nothing is begun: it holds for an attempt that has the same plan.
  Approval approval() const;
  /// Looks at health again; `waiting` until healthy or timed out.
  Outcome check();
  /// Ends it from outside between steps: no new wave begins. Thread-safe.
  void supersede(std::string why);
  /// Records the end of a run that was parked.
  void end(store::SyncState, const std::string& reason);

  SyncId id() const { return id_; }
  /// Whether the job's `left` still waits as the stop left it: nothing was found out about it yet.
  bool left() const { return left_; }
  const Job& job() const { return job_; }
  const Scope& scope() const { return scope_; }
  const std::vector<protocol::Step>& steps() const { return steps_; }
  const std::string& hold() const { return hold_; }
  /// All that it is without, and why, a line each; empty where nothing is left out.
  std::vector<std::string> left_out() const;
  /// What is not deleted while another application cannot be read, and which; empty: nothing.
  std::string awaits_word_of() const;
  /// What it brought to what is declared, or found to be so, and what of that it had to do once more.
  Repetition repetition() const;
  /// Whether it made anything other than it was; what it only took back into its own is no change.
  bool changed() const { return created_ + updated_ + deleted_ > 0; }
  const store::Timings& timings() const { return timings_; }
  /// Whether it waits for a hook that was begun: nothing newer ends that. Not while it is busy.
  bool runs_hook() const { return !running_.empty(); }
  /// What it brought the application to, after success.
  const store::Applied& after() const { return after_; }

  /// What it handed over since it was asked last, by whom it went to. Not while it is busy.
  std::map<ApplicationUid, std::vector<ResourceId>> take_handed() { return std::exchange(handed_, {}); }
  /// Whether something that was owned is so no more since it was asked last: who was refused it may have it
  /// now. Not while it is busy.
  bool take_let_go() { return std::exchange(let_go_, false); }

  /// What it asked to be deleted and is still there, with what keeps it; empty where nothing is.
  std::string going_text() const;

  /// Prepares and plans without changing anything; for `gitopsctl plan`.
  void preview();

 private:
  /// A hook's run: the sync under whose number it is begun, and `owed`, `done` or `failed MESSAGE`.
  struct HookRun {
    SyncId sync;
    std::string state;
    std::string of{};          ///< what that sync was to bring, see documents_
    bool of_same_key = false;  ///< and it had this one's input key
  };
  struct Wave {
    std::string group;
    std::vector<protocol::Step> steps;  ///< of steps_
    std::vector<ResourceId> ailing;     ///< as declared already, and yet not healthy: waited for as well
  };

  void begin();
  void take_up_left();
  void prepare();
  protocol::PlanRequest plan_request(std::size_t& next) const;
  bool to_be_done(const protocol::Step&) const;
  bool take_up_marks(const protocol::PlanResult&);
  void make_plan();
  std::vector<Refused> plan_once();
  std::vector<Refused> refused_of(const protocol::PlanResult&);
  std::vector<Refused> replacements() const;
  Outcome end_in_part();
  std::string left_out_text() const;
  std::string short_text(const Failure&) const;
  std::vector<std::string> all_problems(const Failure&) const;
  void leave_out(const std::vector<Refused>&);
  std::set<ResourceId> within_reach() const;
  bool check_what_came_within_reach();
  std::optional<Outcome> plan_anew();
  void discard_plan();
  void decide_hold();
  std::string why_held() const;
  std::vector<protocol::Step> counted(std::int64_t& owned) const;
  void look_again();
  Outcome guarded(const std::function<Outcome()>&);
  Outcome apply_from_here();
  bool apply_wave(const std::vector<protocol::Step>& wave, Outcome& outcome);
  Outcome carry_out();
  // run_hooks.cpp
  void part_waves(std::map<int, Wave> by_wave, std::vector<protocol::Step> hooks);
  void take_up_hooks();
  void keep_hooks_of_same();
  bool owes_hooks() const;
  void owe_hooks();
  void owe(const std::vector<protocol::Step>&);
  void record_hook(const std::string& key, const std::string& state);
  void close_hooks(bool well);
  SyncId number_of(const protocol::Step&) const;
  void hook_ended(const store::InventoryEntry&, const protocol::Observation&, bool well);
  void clear_away(const std::vector<ResourceId>& ended);
  Outcome fail_over(const Failure&);
  // run_going.cpp
  void keep_going(const protocol::Step&, const std::string& why);
  void intend_going();
  void look_at_going();
  Outcome gone_before(const std::vector<protocol::Step>& wave);
  Outcome wait_for_going();
  // run_health.cpp
  Outcome health_of_wave();
  Outcome health_before_wave();
  std::vector<Refused> look_at_settling();
  void look_at(const std::vector<ResourceId>& ids, std::vector<Refused>& bad);
  // run_past.cpp
  bool may_go_past(std::size_t from) const;
  /// What requires any of these, or what is `gone`, is not begun, and nothing is deleted any more. False
  /// where nothing else is to be done in the waves `from` there on: then it has failed.
  bool go_past(const std::vector<Refused>& bad, std::size_t from, std::set<ResourceId> gone = {});
  bool is_to_come(const ResourceId&, std::size_t from) const;
  Outcome fail_with(const std::vector<Refused>& bad);
  Outcome succeed();
  void pack_once(const Item&, std::map<std::string, std::string>& documents);
  Outcome removed();
  Outcome failed(const Failure&);
  Outcome finish_superseded();
  protocol::Entry entry_of(const ResourceId&) const;
  bool changes(const protocol::Step&) const;
  void say_drift() const;
  std::string plan_json() const;
  std::string plan_shown() const;
  std::string this_destination() const;
  bool is_approved();
  void forget_approval();
  void add_ailing();
  // run_release.cpp
  void choose_releases();
  void put_back_releases();
  void add_release_steps();
  protocol::Step release_step(const ResourceId&, const std::string& reason) const;
  void release();
  Outcome wait_for_word();
  bool wants_word(const protocol::Step&) const;
  CommitId commit_of(const protocol::Step&) const;
  std::string audit_entry(const protocol::Step&, const std::string& before) const;
  store::Transition transition(store::SyncState) const;

  const Scope scope_;
  const Job job_;
  const std::shared_ptr<NeedIndex> needs_;
  Progress progress_ = [](const std::string&, const std::string&) {};
  SyncId id_;
  Work work_;
  store::ApplicationState before_;
  store::Applied after_;
  std::string context_;                ///< what its chart was told of the destination
  std::string offered_;                ///< the digest of what the destination offered then
  std::vector<protocol::Step> steps_;  ///< in order, without action none
  std::vector<Wave> waves_;
  std::string group_;  ///< of the wave that was applied last
  std::set<ResourceId> ailing_;
  std::size_t next_wave_ = 0;
  int replans_ = 0;
  bool advanced_ = true;               ///< something was applied since the plan was made
  std::vector<std::string> discards_;  ///< what plans left at the destination
  std::string hold_, approved_by_;
  std::string place_;  ///< where it was planned first
  Approval approval_;  ///< with `mutex_`
  bool left_ = false;
  std::vector<ResourceId> kept_;          ///< never pruned: they stay, and stop to be ours
  std::map<ResourceId, Heir> passed_on_;  ///< others declare them: they stay, and become theirs
  std::vector<ResourceId> awaited_;       ///< it is not known whether others declare them
  Heirs heirs_;                           ///< as they were found last
  std::map<ApplicationUid, std::vector<ResourceId>> handed_;
  bool let_go_ = false;
  std::vector<Wave> fail_waves_;                  ///< of steps_: only when it fails
  bool begun_ = false;                            ///< something may have been applied
  std::vector<Problem> failures_;                 ///< what it went past
  std::optional<Failure> failure_;                ///< its hooks run; then it has failed
  std::map<ResourceId, protocol::Step> running_;  ///< hooks, by what they made
  std::map<std::string, HookRun> hook_runs_;      ///< by key: what is on record of them
  std::string documents_;                         ///< digest of what a commit changes in what is declared
  std::vector<ResourceId> settling_;              ///< applied, health not seen yet
  std::string settling_why_;
  std::map<ResourceId, std::string> going_;  ///< their deletion was asked for, and others keep them
  std::optional<Monotonic::time_point> going_until_;
  bool all_to_settle_ = false;   ///< another sync applied some of it, and did not see it healthy
  std::set<ResourceId> unlike_;  ///< applied, and seen to differ from that
  bool unhealthy_ = false, hook_failed_ = false, in_part_ = false;  ///< why it fails
  Monotonic::time_point health_deadline_{};
  std::string told_waiting_;  ///< what the store says that it waits for
  store::Timings timings_;
  int created_ = 0, updated_ = 0, deleted_ = 0;
  std::int64_t as_planned_ = 0;  ///< needs no change, by the last plan
  int within_ = 0;               ///< Outcome's
  std::map<ResourceId, const Item*> items_;
  std::set<std::string> packed_;  ///< digests of documents that it stored
  mutable std::mutex mutex_;
  std::string superseded_;
};

}  // namespace gitopsd::sync
