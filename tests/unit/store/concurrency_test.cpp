#include <set>
#include <thread>

#include "tests/unit/store/fixture.h"

using namespace gitopsd;
using namespace gitopsd::store;
using namespace gitopsd::store::test;

TEST_CASE("the same delivery 100 times at once is one event") {
  Opened s;
  std::atomic<int> stored{0}, duplicates{0}, errors{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 10; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) {
        try {
          const auto kind = accept(*s.store, delivery("8c1a6f7e-3c3d-4bd1-9e40-3f5d0f1c2b3a")).kind;
          (kind == Accepted::Kind::stored ? stored : duplicates)++;
        } catch (const std::exception&) {
          errors++;
        }
      }
    });
  }
  for (auto& t : threads) t.join();
  CHECK(errors == 0);
  CHECK(stored == 1);
  CHECK(duplicates == 99);
  CHECK(s->open_events().size() == 1);
}

TEST_CASE("eight threads store 10,000 deliveries while others read and write") {
  Opened s;
  constexpr int kThreads = 8, kEach = 1250;
  std::atomic<int> answered{0}, errors{0};
  std::atomic<bool> over{false};
  std::thread reader([&] {
    while (!over) {
      s->counts();
      s->events({.limit = 10});
    }
  });
  std::thread other([&] {
    while (!over) {
      const auto id = s->add_event(push());
      s->set_event(id, EventState::ignored);
      try {
        s->set_event(EventId{1'000'000}, EventState::failed);
        errors++;
      } catch (const Failure&) {
        // Its failure must not touch the deliveries in the same transaction.
      }
    }
  });
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        s->accept(delivery("d-" + std::to_string(t) + "-" + std::to_string(i)),
                  [&](Accepted accepted, std::exception_ptr error) {
                    if (error || accepted.kind != Accepted::Kind::stored || accepted.events.size() != 1)
                      errors++;
                    answered++;
                    answered.notify_all();
                  });
      }
    });
  }
  for (auto& t : threads) t.join();
  for (int seen = answered; seen < kThreads * kEach; seen = answered) answered.wait(seen);
  over = true;
  reader.join();
  other.join();
  CHECK(errors == 0);
  CHECK(s->counts().deliveries == kThreads * kEach);
  CHECK(s->counts().events_by_state["queued"] == kThreads * kEach);
  s.reopen();
  std::set<std::string> ids;
  for (const auto& e : s->open_events()) ids.insert(e.delivery.str());
  CHECK(ids.size() == kThreads * kEach);
  CHECK(s->check().empty());
}

TEST_CASE("closing the store writes what was accepted before") {
  Opened s;
  std::atomic<int> answered{0};
  for (int i = 0; i < 500; ++i) {
    s->accept(delivery("d" + std::to_string(i)),
              [&](Accepted, std::exception_ptr error) { answered += !error; });
  }
  s.store.reset();
  CHECK(answered == 500);
  s.store = open_sqlite(s.directory.path(), s.clock);
  CHECK(s->counts().deliveries == 500);
}
