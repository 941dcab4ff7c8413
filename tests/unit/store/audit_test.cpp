#include "base/hash.h"
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
