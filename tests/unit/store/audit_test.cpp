#include "base/hash.h"
#include "daemon/store/audit_heads.h"
#include "tests/unit/store/fixture.h"

using namespace gitopsd;
using namespace gitopsd::store;
using namespace gitopsd::store::test;

namespace {

void fill(Store& store) {
  for (int i = 1; i <= 20; ++i) store.audit("{\"n\":" + std::to_string(i) + "}");
}

}  // namespace

TEST_CASE("the audit record is a chain that anybody can compute") {
  Opened s;
  fill(*s.store);
  s.reopen();
  s->audit("{\"n\":21}");
  const auto log = s->audit_log(1, 100);
  REQUIRE(log.size() == 21);
  std::string previous(64, '0');
  for (const auto& e : log) {
    previous = to_hex(
        sha256(previous + " " + std::to_string(e.sequence) + " " + std::to_string(e.when) + " " + e.entry));
    CHECK(e.hash == previous);
  }
  CHECK(log[20].entry == "{\"n\":21}");
  CHECK(s->audit_log(20, 1).at(0).sequence == 20);
  CHECK_FALSE(s->verify_audit());
}

TEST_CASE("tampering with the audit record is found where it was done") {
  struct Case {
    const char* sql;
    std::int64_t broken;
  };
  for (const auto& c :
       {Case{"UPDATE audit SET entry = '{}' WHERE sequence = 7", 7},
        Case{"UPDATE audit SET at = at + 1 WHERE sequence = 9", 9},
        Case{"UPDATE audit SET hash = zeroblob(32) WHERE sequence = 3", 3},
        Case{"DELETE FROM audit WHERE sequence = 5", 5}, Case{"DELETE FROM audit WHERE sequence = 1", 1},
        Case{"DELETE FROM audit WHERE sequence = 20", 20},
        Case{"UPDATE audit SET sequence = 21 WHERE sequence = 20", 20},
        Case{"INSERT INTO audit VALUES(21, 0, zeroblob(32), '{}')", 21}}) {
    CAPTURE(c.sql);
    Opened s;
    fill(*s.store);
    s.store.reset();
    tamper(s.directory.path(), c.sql);
    s.store = open_sqlite(s.directory.path(), s.clock);
    CHECK(s->verify_audit() == c.broken);
  }
}

TEST_CASE("the head of each day's segment is told once the day has ended, and the newest at the start") {
  constexpr WallMicros kDay = 24 * 3'600'000'000LL, kNoon = 20'000 * kDay + kDay / 2;
  Opened s;
  TwoClocks clock;
  const auto at = [&](WallMicros when) { clock.now = s.clock.now = when; };
  const auto due = [&](AuditHeads& heads) {
    const auto head = heads.due();
    return head ? head->sequence : 0;
  };
  at(kNoon);
  AuditHeads heads(*s.store, clock);
  CHECK(due(heads) == 0);  // there is nothing yet
  s->audit("{}");
  s->audit("{}");
  CHECK(due(heads) == 0);  // the day has not ended
  at(kNoon + kDay / 2);    // midnight, to the microsecond: this entry is of the new day
  s->audit("{}");
  const auto first = heads.due();
  REQUIRE(first);
  CHECK(first->sequence == 2);
  CHECK(first->hash == s->audit_log(2, 1).at(0).hash);
  CHECK(due(heads) == 0);

  s.reopen();
  AuditHeads restarted(*s.store, clock);
  CHECK(due(restarted) == 3);  // at a start the newest, whatever its day
  CHECK(due(restarted) == 0);
  at(kNoon + 4 * kDay);
  CHECK(due(restarted) == 3);  // days without an entry have the head of the last one that had
  at(kNoon + 5 * kDay);
  CHECK(due(restarted) == 3);
}
