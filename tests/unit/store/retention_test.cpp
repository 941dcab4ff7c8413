#include "daemon/store/retention.h"

#include "tests/unit/store/fixture.h"

using namespace gitopsd;
using namespace gitopsd::store;
using namespace gitopsd::store::test;

namespace {

constexpr WallMicros kHour = kDay / 24;

/// An event that ended at a time that both clocks go on from.
struct Tended {
  Opened s;
  TwoClocks clock{push().received};
  EventId event;
  Retention retention;
  Tended() : event(s->add_event(push())), retention(*s.store, clock) {
    s->set_event(event, EventState::succeeded);
  }
  void pass(WallMicros time) {
    clock.now += time;
    clock.ticks += std::chrono::microseconds(time);
  }
  bool tend() {
    retention.tend(std::chrono::microseconds(kDay));
    return s->event(event).has_value();
  }
};

}  // namespace

TEST_CASE("what is old goes with time") {
  Tended t;
  t.pass(kDay - 1);
  CHECK(t.tend());
  t.pass(kHour / 12);
  CHECK(t.tend());  // it was looked at just now
  t.pass(kHour / 12);
  CHECK_FALSE(t.tend());
}

TEST_CASE("nothing goes by a clock that was set, until it has gone on evenly for hours") {
  Tended t;
  t.pass(kHour);
  CHECK(t.tend());
  t.clock.now += 365 * kDay;
  for (int i = 0; i < 6; ++i) {
    t.pass(kHour);
    CHECK(t.tend());
  }
  SUBCASE("it stays so") {
    t.pass(kHour);
    CHECK_FALSE(t.tend());
  }
  SUBCASE("it is set back") {
    t.clock.now -= 365 * kDay;
    for (int i = 0; i < 12; ++i) {
      t.pass(kHour);
      CHECK(t.tend());
    }
    t.pass(kDay);
    CHECK_FALSE(t.tend());
  }
}
