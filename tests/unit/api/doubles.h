// Doubles of what the API asks: they hold what a test puts into them and record what they are told.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/problem.h"
#include "daemon/server/server.h"
#include "daemon/store/store.h"
#include "daemon/sync/dispatcher.h"

namespace gitopsd::api {

/// What a double was asked that no test of the API needs.
[[noreturn]] inline void not_doubled(const char* what) {
  throw std::logic_error(std::string("not doubled: ") + what);
}

/// A store in memory. Only the reading half that the API uses is there.
class StoreDouble : public store::Store {
 public:
  using EventId = gitopsd::EventId;
  std::atomic<bool> can_write{true};
  std::atomic<bool> verify_waits{false};  ///< verify_audit blocks while it is set
  mutable std::atomic<int> verifying{0};
  std::optional<std::int64_t> broken_at;
  std::vector<store::AuditEntry> entries;
  std::vector<store::ApplicationState> states;
  std::map<std::string, std::vector<store::InventoryEntry>> inventories;
  std::map<std::int64_t, std::string> approvals;
  std::map<std::string, Heals> put_back;                             ///< by the application's uid
  std::map<std::int64_t, std::vector<store::FailedPart>> failed_in;  ///< by the event's id
  std::map<std::int64_t, store::Event> later;                        ///< that succeeded; likewise

  void put(const store::Event& event) {
    const std::lock_guard lock(mutex_);
    events_[event.id.value] = event;
  }
  void put(const store::Sync& sync) {
    const std::lock_guard lock(mutex_);
    syncs_[sync.id.value] = sync;
  }

  std::string installation() const override { return "11111111-2222-4333-8444-555555555555"; }
  std::string_view digest_key() const override { not_doubled("digest_key"); }
  void accept(store::Delivery, store::AcceptCallback) override { not_doubled("accept"); }
  EventId add_event(const store::NewEvent&) override { not_doubled("add_event"); }
  bool writable() const override { return can_write; }

  std::optional<store::Event> event(EventId id) const override {
    const std::lock_guard lock(mutex_);
    const auto found = events_.find(id.value);
    return found == events_.end() ? std::nullopt : std::optional(found->second);
  }
  std::vector<store::Event> events(const store::EventFilter& filter) const override {
    const std::lock_guard lock(mutex_);
    std::vector<store::Event> out;
    for (auto it = events_.rbegin(); it != events_.rend() && out.size() < std::size_t(filter.limit); ++it) {
      const auto& e = it->second;
      if (filter.state && e.state != *filter.state) continue;
      if (!filter.repository.empty() && e.repository != filter.repository) continue;
      if (e.received < filter.since || (filter.before && e.id >= filter.before)) continue;
      out.push_back(e);
    }
    return out;
  }
  std::vector<store::Event> open_events() const override { not_doubled("open_events"); }
  void set_event(EventId id, store::EventState state, std::string reason, std::string error) override {
    const std::lock_guard lock(mutex_);
    auto& e = events_.at(id.value);
    e.state = state;
    e.reason = std::move(reason);
    e.error = std::move(error);
  }
  void set_events(std::span<const EventId>, store::EventState, std::string, std::string) override {
    not_doubled("set_events");
  }
  void fail_event(EventId, std::string, std::string, const std::map<ApplicationUid, SyncId>&) override {
    not_doubled("fail_event");
  }
  std::vector<store::FailedPart> failed_parts(EventId id) const override {
    const auto found = failed_in.find(id.value);
    return found == failed_in.end() ? std::vector<store::FailedPart>() : found->second;
  }
  std::optional<store::Event> succeeded_later(EventId id) const override {
    const auto found = later.find(id.value);
    return found == later.end() ? std::nullopt : std::optional(found->second);
  }
  void add_timings(EventId, const store::Timings&) override { not_doubled("add_timings"); }
  int add_attempt(EventId) override { not_doubled("add_attempt"); }

  SyncId begin_sync(const store::Sync&) override { not_doubled("begin_sync"); }
  void set_sync(SyncId, const store::Transition&) override { not_doubled("set_sync"); }
  std::optional<store::Sync> sync(SyncId id) const override {
    const std::lock_guard lock(mutex_);
    const auto found = syncs_.find(id.value);
    return found == syncs_.end() ? std::nullopt : std::optional(found->second);
  }
  std::vector<store::Sync> syncs(const ApplicationUid& uid, int limit) const override {
    const std::lock_guard lock(mutex_);
    std::vector<store::Sync> out;
    for (auto it = syncs_.rbegin(); it != syncs_.rend() && out.size() < std::size_t(limit); ++it) {
      if (it->second.application == uid) out.push_back(it->second);
    }
    return out;
  }
  std::vector<store::Sync> syncs_since(const ApplicationUid&, SyncId, int) const override {
    not_doubled("syncs_since");
  }
  std::vector<store::Sync> syncs_of(EventId id) const override {
    const std::lock_guard lock(mutex_);
    std::vector<store::Sync> out;
    for (auto it = syncs_.rbegin(); it != syncs_.rend(); ++it) {
      if (it->second.event == id) out.push_back(it->second);
    }
    return out;
  }
  Heals heals(const ApplicationUid& uid) const override {
    const auto found = put_back.find(uid.str());
    return found == put_back.end() ? Heals() : found->second;
  }
  std::vector<store::Sync> kept_syncs(const ApplicationUid&) const override { not_doubled("kept_syncs"); }
  std::vector<store::Sync> open_syncs() const override { not_doubled("open_syncs"); }
  void succeed(SyncId, const store::Applied&, const store::DeclaredChange&,
               const std::map<std::string, std::string>&, const store::Transition&, int) override {
    not_doubled("succeed");
  }

  std::optional<store::ApplicationState> application(const ApplicationUid&) const override {
    not_doubled("application");
  }
  std::vector<store::ApplicationState> applications() const override { return states; }
  void configure_application(const store::Configured&) override { not_doubled("configure_application"); }
  void orphan_application(const ApplicationUid&) override { not_doubled("orphan_application"); }
  void quarantine(const ApplicationUid&, const std::string&) override { not_doubled("quarantine"); }
  std::vector<store::Declared> declared(const ApplicationUid&) const override { not_doubled("declared"); }
  std::vector<store::Declared> declared_in(const ApplicationUid&,
                                           const std::vector<std::string>&) const override {
    not_doubled("declared_in");
  }
  std::optional<store::Declared> declared_id(const ApplicationUid&, const ResourceId&) const override {
    not_doubled("declared_id");
  }
  std::vector<store::Declared> declared_at(const ApplicationUid&, SyncId) const override {
    not_doubled("declared_at");
  }
  std::int64_t declared_count(const ApplicationUid&) const override { not_doubled("declared_count"); }
  std::optional<std::string> document(const std::string&) const override { not_doubled("document"); }
  void put_documents(const std::map<std::string, std::string>&) override { not_doubled("put_documents"); }

  std::vector<store::InventoryEntry> inventory(const ApplicationUid& uid) const override {
    const auto found = inventories.find(uid.str());
    return found == inventories.end() ? std::vector<store::InventoryEntry>() : found->second;
  }
  std::vector<store::InventoryEntry> inventory(const ApplicationUid&,
                                               const std::vector<ResourceId>&) const override {
    not_doubled("inventory of some");
  }
  std::int64_t inventory_count(const ApplicationUid&) const override { not_doubled("inventory_count"); }
  std::vector<store::InventoryEntry> unsettled(const ApplicationUid&) const override {
    not_doubled("unsettled");
  }
  std::optional<ApplicationUid> owner_of(const DestinationName&, const ResourceId&,
                                         const ApplicationUid&) const override {
    not_doubled("owner_of");
  }
  void intend(const ApplicationUid&, SyncId, std::span<const store::InventoryEntry>) override {
    not_doubled("intend");
  }
  void settle(const ApplicationUid&, SyncId, std::span<const Settled>) override { not_doubled("settle"); }
  void hand_over(const ApplicationUid&, SyncId, std::span<const Handed>) override {
    not_doubled("hand_over");
  }
  void change_destination(const store::Configured&, const ApplicationUid&, const ApplicationUid&) override {
    not_doubled("change_destination");
  }
  bool forget_application(const ApplicationUid&) override { not_doubled("forget_application"); }
  bool abandon(const ApplicationUid&, std::span<const ResourceId>, std::span<const std::string>) override {
    not_doubled("abandon");
  }
  void begin_effect(const ApplicationUid&, const Effect&) override { not_doubled("begin_effect"); }
  void end_effect(const ApplicationUid&, SyncId, const std::string&) override { not_doubled("end_effect"); }
  std::vector<Effect> open_effects(const ApplicationUid&) const override { not_doubled("open_effects"); }
  void approve(SyncId, std::string) override { not_doubled("approve"); }
  std::optional<std::string> approved_by(SyncId id) const override {
    const auto found = approvals.find(id.value);
    return found == approvals.end() ? std::nullopt : std::optional(found->second);
  }
  std::optional<CommitId> tip(const RepositoryName&, const Ref&) const override { not_doubled("tip"); }
  void set_tip(const RepositoryName&, const Ref&, const CommitId&) override { not_doubled("set_tip"); }
  std::optional<store::KnownDestination> destination(const DestinationName&) const override {
    not_doubled("destination");
  }
  void set_destination(const DestinationName&, const std::string&) override {
    not_doubled("set_destination");
  }
  bool owns_at(const DestinationName&) const override { not_doubled("owns_at"); }
  void audit(std::string) override { not_doubled("audit"); }
  std::vector<store::AuditEntry> audit_log(std::int64_t from, int limit) const override {
    std::vector<store::AuditEntry> out;
    for (const auto& entry : entries) {
      if (entry.sequence >= from && out.size() < std::size_t(limit)) out.push_back(entry);
    }
    return out;
  }
  std::optional<store::AuditEntry> audit_head(WallMicros) const override { not_doubled("audit_head"); }
  std::optional<std::int64_t> verify_audit() const override {
    ++verifying;
    verify_waits.wait(true);
    return broken_at;
  }
  Counts counts() const override {
    const std::lock_guard lock(mutex_);
    Counts out;
    for (const auto& [id, event] : events_) ++out.events_by_state[std::string(to_string(event.state))];
    out.bytes = 4096;
    return out;
  }
  bool retain(WallMicros) override { not_doubled("retain"); }
  std::string check() const override { not_doubled("check"); }

 private:
  mutable std::mutex mutex_;
  std::map<std::int64_t, store::Event> events_;
  std::map<std::int64_t, store::Sync> syncs_;
};

/// Records the operator's actions as "verb NAME by WHO" and answers with fixed ids, or throws what a test
/// wants.
class DispatcherDouble : public sync::Dispatcher {
 public:
  std::vector<std::string> told;
  std::optional<Problem> refuses;                     ///< every action throws it
  std::map<std::int64_t, std::string> cannot_replay;  ///< event -> why
  std::vector<sync::ApplicationStatus> applications;
  std::vector<sync::RepositoryStatus> sources;
  std::vector<sync::DestinationStatus> places;
  sync::Metrics counted;
  std::vector<store::Timings> timings;
  sync::PlanView view;

  void say(const sync::ProgressLine& line) {
    std::function<void(const sync::ProgressLine&)> listener;
    {
      const std::lock_guard lock(mutex_);
      listener = listener_;
    }
    if (listener) listener(line);
  }
  bool followed() const {
    const std::lock_guard lock(mutex_);
    return static_cast<bool>(listener_);
  }

  void start() override { not_doubled("start"); }
  void notify(const std::vector<EventId>&) override { not_doubled("notify"); }
  void reload(config::Snapshot) override { not_doubled("reload"); }
  void stop(Deadline) override { not_doubled("stop"); }

  EventId replay(EventId id, const std::string& who) override {
    record("replay " + std::to_string(id.value), who);
    if (const auto why = cannot_replay.find(id.value); why != cannot_replay.end()) {
      throw fail(ProblemCause::input, why->second);
    }
    return EventId{id.value + 1000};
  }
  EventId sync_now(const ApplicationName& name, const std::string& who) override {
    record("sync " + name.str(), who);
    return EventId{2001};
  }
  sync::PlanView plan(const ApplicationName& name, const std::optional<CommitId>& revision) override {
    record("plan " + name.str() + " at " + (revision ? revision->str() : "the tip"), "anybody");
    return view;
  }
  CommitId commit_named(const ApplicationName& name, const std::string& prefix, bool /*known*/) override {
    record("find " + prefix + " of " + name.str(), "anybody");
    return *CommitId::parse(prefix + std::string(40 - prefix.size(), '0'));
  }
  SyncId approve(const ApplicationName& name, const std::optional<SyncId>& looked_at,
                 const std::string& who) override {
    record("approve " + name.str() + (looked_at ? " sync " + std::to_string(looked_at->value) : ""), who);
    return SyncId{2002};
  }
  SyncId reject(const ApplicationName& name, const std::optional<SyncId>& looked_at,
                const std::string& who) override {
    record("reject " + name.str() + (looked_at ? " sync " + std::to_string(looked_at->value) : ""), who);
    return SyncId{2002};
  }
  EventId rollback(const ApplicationName& name, const std::optional<CommitId>& to,
                   const std::string& who) override {
    record("rollback " + name.str() + " to " + (to ? to->str() : "the last"), who);
    return EventId{2003};
  }
  void resume(const ApplicationName& name, const std::string& who) override {
    record("resume " + name.str(), who);
  }
  EventId delete_cascade(const ApplicationName& name, const std::string& who) override {
    record("delete " + name.str(), who);
    return EventId{2004};
  }
  sync::Forgotten forget(const ApplicationName& name, const std::string& who) override {
    record("forget " + name.str(), who);
    return {DestinationName("old"), 3};
  }

  void accept_destination(const DestinationName& name, const std::optional<std::string>& looked_at,
                          const std::string& who) override {
    record("accept " + name.str() + (looked_at ? " as " + *looked_at : ""), who);
  }

  std::vector<sync::ApplicationStatus> status() const override { return applications; }
  std::vector<sync::RepositoryStatus> repositories() const override { return sources; }
  std::vector<sync::DestinationStatus> destinations() const override { return places; }
  sync::Metrics metrics() const override { return counted; }
  std::vector<store::Timings> take_timings() override {
    const std::lock_guard lock(mutex_);
    return std::exchange(timings, {});
  }
  int subscribe(std::function<void(const sync::ProgressLine&)> line) override {
    const std::lock_guard lock(mutex_);
    listener_ = std::move(line);
    return 7;
  }
  void unsubscribe(int token) override {
    const std::lock_guard lock(mutex_);
    if (token == 7) listener_ = nullptr;
  }

 private:
  void record(const std::string& what, const std::string& who) {
    const std::lock_guard lock(mutex_);
    told.push_back(what + " by " + who);
    if (refuses) throw Failure(*refuses);
  }

  mutable std::mutex mutex_;
  std::function<void(const sync::ProgressLine&)> listener_;
};

class ServerDouble : public server::Server {
 public:
  server::Counters counts;
  std::vector<server::Refused> ring;
  std::atomic<std::int64_t> age_ms{3};

  void start() override { not_doubled("start"); }
  int port() const override { not_doubled("port"); }
  void reload(config::Snapshot) override { not_doubled("reload"); }
  void refresh_certificate() override { not_doubled("refresh_certificate"); }
  void stop(Deadline) override { not_doubled("stop"); }
  server::Counters counters() const override { return counts; }
  std::vector<server::Refused> refused() const override { return ring; }
  std::int64_t loop_age_ms() const override { return age_ms; }
};

}  // namespace gitopsd::api
