// A double of the store: keeps deliveries in memory, and can be told to wait or to fail.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <stdexcept>

#include "base/problem.h"
#include "daemon/store/store.h"
#include "tests/unit/slower.h"

namespace gitopsd::server {

class StoreDouble final : public store::Store {
 public:
  enum class Mode { answer, hold, fail, duplicate, requeue };

  void accept(store::Delivery delivery, store::AcceptCallback done) override {
    std::unique_lock lock(mutex_);
    if (mode_ == Mode::hold) {
      held_.emplace_back(std::move(delivery), std::move(done));
      changed_.notify_all();
      return;
    }
    settle(lock, std::move(delivery), std::move(done));
  }

  void set_mode(Mode mode) {
    const std::lock_guard lock(mutex_);
    mode_ = mode;
  }
  /// Waits until that many deliveries are held.
  void await_held(std::size_t count) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, std::chrono::seconds(30) * gitopsd::test::kSlower,
                           [&] { return held_.size() >= count; }))
      throw std::runtime_error("no delivery reached the store");
  }
  void release() {
    std::unique_lock lock(mutex_);
    mode_ = Mode::answer;
    while (!held_.empty()) {
      auto [delivery, done] = std::move(held_.front());
      held_.pop_front();
      settle(lock, std::move(delivery), std::move(done));
    }
  }
  std::vector<store::Delivery> deliveries() const {
    const std::lock_guard lock(mutex_);
    return stored_;
  }

  std::string installation() const override { return "double"; }
  std::string_view digest_key() const override { return "0123456789abcdef0123456789abcdef"; }
  bool writable() const override { return true; }

  // What the door has no business with.
  EventId add_event(const store::NewEvent&) override { unexpected(); }
  std::optional<store::Event> event(EventId) const override { unexpected(); }
  std::vector<store::Event> events(const store::EventFilter&) const override { unexpected(); }
  std::vector<store::Event> open_events() const override { unexpected(); }
  void set_event(EventId, store::EventState, std::string, std::string) override { unexpected(); }
  void set_events(std::span<const EventId>, store::EventState, std::string, std::string) override {
    unexpected();
  }
  void fail_event(EventId, std::string, std::string, const std::map<ApplicationUid, SyncId>&) override {
    unexpected();
  }
  std::vector<store::FailedPart> failed_parts(EventId) const override { unexpected(); }
  std::optional<store::Event> succeeded_later(EventId) const override { unexpected(); }
  void add_timings(EventId, const store::Timings&) override { unexpected(); }
  int add_attempt(EventId) override { unexpected(); }
  SyncId begin_sync(const store::Sync&) override { unexpected(); }
  void set_sync(SyncId, const store::Transition&) override { unexpected(); }
  std::optional<store::Sync> sync(SyncId) const override { unexpected(); }
  std::vector<store::Sync> syncs(const ApplicationUid&, int) const override { unexpected(); }
  std::vector<store::Sync> syncs_since(const ApplicationUid&, SyncId, int) const override { unexpected(); }
  std::vector<store::Sync> syncs_of(EventId) const override { unexpected(); }
  Heals heals(const ApplicationUid&) const override { unexpected(); }
  std::vector<store::Sync> kept_syncs(const ApplicationUid&) const override { unexpected(); }
  std::vector<store::Sync> open_syncs() const override { unexpected(); }
  void succeed(SyncId, const store::Applied&, const store::DeclaredChange&,
               const std::map<std::string, std::string>&, const store::Transition&, int) override {
    unexpected();
  }
  std::optional<store::ApplicationState> application(const ApplicationUid&) const override { unexpected(); }
  std::vector<store::ApplicationState> applications() const override { unexpected(); }
  void configure_application(const store::Configured&) override { unexpected(); }
  void orphan_application(const ApplicationUid&) override { unexpected(); }
  void quarantine(const ApplicationUid&, const std::string&) override { unexpected(); }
  std::vector<store::Declared> declared(const ApplicationUid&) const override { unexpected(); }
  std::vector<store::Declared> declared_in(const ApplicationUid&,
                                           const std::vector<std::string>&) const override {
    unexpected();
  }
  std::optional<store::Declared> declared_id(const ApplicationUid&, const ResourceId&) const override {
    unexpected();
  }
  std::vector<store::Declared> declared_at(const ApplicationUid&, SyncId) const override { unexpected(); }
  std::int64_t declared_count(const ApplicationUid&) const override { unexpected(); }
  std::optional<std::string> document(const std::string&) const override { unexpected(); }
  void put_documents(const std::map<std::string, std::string>&) override { unexpected(); }
  std::vector<store::InventoryEntry> inventory(const ApplicationUid&) const override { unexpected(); }
  std::vector<store::InventoryEntry> inventory(const ApplicationUid&,
                                               const std::vector<ResourceId>&) const override {
    unexpected();
  }
  std::int64_t inventory_count(const ApplicationUid&) const override { unexpected(); }
  std::vector<store::InventoryEntry> unsettled(const ApplicationUid&) const override { unexpected(); }
  std::optional<ApplicationUid> owner_of(const DestinationName&, const ResourceId&,
                                         const ApplicationUid&) const override {
    unexpected();
  }
  void intend(const ApplicationUid&, SyncId, std::span<const store::InventoryEntry>) override {
    unexpected();
  }
  void settle(const ApplicationUid&, SyncId, std::span<const Settled>) override { unexpected(); }
  void hand_over(const ApplicationUid&, SyncId, std::span<const Handed>) override { unexpected(); }
  void change_destination(const store::Configured&, const ApplicationUid&, const ApplicationUid&) override {
    unexpected();
  }
  bool forget_application(const ApplicationUid&) override { unexpected(); }
  bool abandon(const ApplicationUid&, std::span<const ResourceId>, std::span<const std::string>) override {
    unexpected();
  }
  void begin_effect(const ApplicationUid&, const Effect&) override { unexpected(); }
  void end_effect(const ApplicationUid&, SyncId, const std::string&) override { unexpected(); }
  std::vector<Effect> open_effects(const ApplicationUid&) const override { unexpected(); }
  void approve(SyncId, std::string) override { unexpected(); }
  std::optional<std::string> approved_by(SyncId) const override { unexpected(); }
  std::optional<CommitId> tip(const RepositoryName&, const Ref&) const override { unexpected(); }
  void set_tip(const RepositoryName&, const Ref&, const CommitId&) override { unexpected(); }
  std::optional<store::KnownDestination> destination(const DestinationName&) const override { unexpected(); }
  void set_destination(const DestinationName&, const std::string&) override { unexpected(); }
  bool owns_at(const DestinationName&) const override { unexpected(); }
  void audit(std::string) override { unexpected(); }
  std::vector<store::AuditEntry> audit_log(std::int64_t, int) const override { unexpected(); }
  std::optional<store::AuditEntry> audit_head(WallMicros) const override { unexpected(); }
  std::optional<std::int64_t> verify_audit() const override { unexpected(); }
  Counts counts() const override { unexpected(); }
  bool retain(WallMicros) override { unexpected(); }
  std::string check() const override { unexpected(); }

 private:
  [[noreturn]] static void unexpected() {
    throw std::logic_error("the door asked the store for something else");
  }

  void settle(std::unique_lock<std::mutex>& lock, store::Delivery delivery,
              const store::AcceptCallback& done) {
    store::Accepted accepted;
    std::exception_ptr error;
    if (mode_ == Mode::fail) {
      error = std::make_exception_ptr(fail(ProblemCause::transient, "the disk is full"));
    } else {
      accepted.kind = mode_ == Mode::duplicate ? store::Accepted::Kind::duplicate
                      : mode_ == Mode::requeue ? store::Accepted::Kind::requeued
                                               : store::Accepted::Kind::stored;
      for (std::size_t i = 0; i < delivery.events.size(); ++i)
        accepted.events.push_back(EventId{++last_event_});
      stored_.push_back(std::move(delivery));
    }
    lock.unlock();
    done(std::move(accepted), error);
    lock.lock();
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Mode mode_ = Mode::answer;
  std::deque<std::pair<store::Delivery, store::AcceptCallback>> held_;
  std::vector<store::Delivery> stored_;
  std::int64_t last_event_ = 0;
};

}  // namespace gitopsd::server
