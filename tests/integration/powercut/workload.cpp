#include "tests/integration/powercut/workload.h"

#include <condition_variable>

#include "base/hash.h"
#include "base/problem.h"

namespace gitopsd::powercut {
namespace {

const ApplicationUid kApplication("web");

/// Waits for the answers that are out.
class Outstanding {
 public:
  void begin() {
    const std::lock_guard lock(mutex_);
    ++count_;
  }
  void end() {
    const std::lock_guard lock(mutex_);
    --count_;
    done_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return count_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable done_;
  int count_ = 0;
};

store::Delivery delivery(int number) {
  store::Delivery d;
  d.hook = HookName("github");
  // Ids that sort by time and ids that do not.
  d.id = DeliveryId(number % 2 ? "delivery-" + std::to_string(number)
                               : "0000" + to_hex(sha256(std::to_string(number))).substr(0, 4) +
                                     "-8a4b-11ef-9c00-0242ac120002");
  d.received = 1'700'000'000'000'000 + number;
  d.digest = sha256(d.id.str());
  d.headers = "{}";
  for (int i = 0; i <= number % 3; ++i) {
    store::NewEvent e;
    e.repository = RepositoryName("site");
    e.ref = *Ref::parse("refs/heads/b" + std::to_string(i));
    e.after = *CommitId::parse(std::string(40, 'c'));
    e.received = d.received;
    d.events.push_back(e);
  }
  return d;
}

void deliver(store::Store& store, Ledger& ledger, Outstanding& outstanding, int number) {
  outstanding.begin();
  auto d = delivery(number);
  const std::string id = d.id.str();
  store.accept(std::move(d), [&, id](store::Accepted accepted, std::exception_ptr error) {
    {
      const std::lock_guard lock(ledger.mutex);
      if (error) {
        ledger.failed = true;
      } else {
        ledger.stored[id] = accepted.events;
        for (EventId e : accepted.events) ledger.states[e].insert(store::EventState::queued);
      }
    }
    outstanding.end();
  });
}

void move_some_event(store::Store& store, std::mt19937_64& random, Ledger& ledger) {
  EventId id;
  const auto to = static_cast<store::EventState>(random() % 8);
  {
    const std::lock_guard lock(ledger.mutex);
    if (ledger.states.empty()) return;
    auto at = ledger.states.begin();
    std::advance(at, static_cast<long>(random() % ledger.states.size()));
    // What ended is not opened again: the store would leave it as it is.
    if (ended(*at->second.begin()) && !ended(to)) return;
    id = at->first;
    at->second.insert(to);
  }
  store.set_event(id, to, "why", "error");
  const std::lock_guard lock(ledger.mutex);
  ledger.states[id] = {to};
}

void succeed_a_sync(store::Store& store, std::mt19937_64& random, Ledger& ledger) {
  store::Sync sync;
  sync.application = kApplication;
  sync.kind = "sync";
  sync.state = store::SyncState::running;
  const auto id = store.begin_sync(sync);
  store::DeclaredChange change;
  std::map<std::string, std::string> documents;
  for (int i = 0; i < 5; ++i) {
    const std::string bytes(random() % 3000, static_cast<char>('a' + i));
    const std::string digest = to_hex(sha256(bytes + std::to_string(random())));
    change.put.push_back({ResourceId("r" + std::to_string(random() % 8)), digest, "a.yaml", i, "{}"});
    documents[digest] = bytes;
  }
  store::Applied now;
  now.uid = kApplication;
  store.succeed(id, now, change, documents, {store::SyncState::succeeded, {}, {}, {}, {}, 5, 0, 0, 0}, 3);
  const std::lock_guard lock(ledger.mutex);
  ledger.succeeded = id;
}

}  // namespace

void work(store::Store& store, std::mt19937_64& random, Ledger& ledger, int first) {
  Outstanding outstanding;
  int number = first;
  try {
    for (int burst = 0; burst < 12; ++burst) {
      const int count = 1 + static_cast<int>(random() % 8);
      for (int i = 0; i < count; ++i) deliver(store, ledger, outstanding, number++);
      if (random() % 2) outstanding.wait();
      move_some_event(store, random, ledger);
      store.audit("{\"n\":" + std::to_string(number) + "}");
      {
        const std::lock_guard lock(ledger.mutex);
        ++ledger.audited;
      }
      if (random() % 3 == 0) succeed_a_sync(store, random, ledger);
    }
  } catch (const Failure&) {
    const std::lock_guard lock(ledger.mutex);
    ledger.failed = true;
  }
  outstanding.wait();
}

std::string broken_promises(store::Store& store, Ledger& ledger) {
  std::string out;
  const std::lock_guard lock(ledger.mutex);
  for (const auto& [id, events] : ledger.stored) {
    for (EventId e : events) {
      const auto event = store.event(e);
      if (!event || event->delivery.str() != id)
        out += "lost: event " + std::to_string(e.value) + " of " + id + "\n";
    }
  }
  for (const auto& [id, states] : ledger.states) {
    const auto event = store.event(id);
    if (event && !states.count(event->state)) {
      out += "event " + std::to_string(id.value) + " went back to " + std::string(to_string(event->state)) +
             "\n";
    }
  }
  if (static_cast<int>(store.audit_log(1, 10'000).size()) < ledger.audited)
    out += "audit entries are missing\n";
  if (store.verify_audit()) out += "the audit chain is broken\n";
  if (ledger.succeeded && !store.sync(ledger.succeeded)) out += "a sync is missing\n";
  if (const auto app = store.application(kApplication); app && app->last_succeeded) {
    for (const auto& row : store.declared_at(kApplication, app->last_succeeded)) {
      if (!store.document(row.digest)) out += "a document is missing: " + row.id.str() + "\n";
    }
    if (app->last_succeeded < ledger.succeeded) out += "a success is missing\n";
  } else if (ledger.succeeded) {
    out += "the application is missing\n";
  }

  const auto all = store.events({.limit = 1'000'000});
  std::map<std::string, std::int64_t> by_state;
  std::map<std::string, std::size_t> by_delivery;
  for (const auto& e : all) {
    by_state[std::string(to_string(e.state))]++;
    by_delivery[e.delivery.str()]++;
  }
  for (const auto& [state, count] : store.counts().events_by_state) {
    if (by_state[state] != count) out += "the tally of " + state + " is wrong\n";
  }
  for (int i = 0; i < 1000; ++i) {
    const auto d = delivery(i);
    const auto found = by_delivery.find(d.id.str());
    if (found != by_delivery.end() && found->second != d.events.size())
      out += "in part: " + d.id.str() + "\n";
  }
  if (auto problems = store.check(); !problems.empty()) out += "integrity: " + problems + "\n";
  return out;
}

}  // namespace gitopsd::powercut
