#include "tests/unit/store/fixture.h"

using namespace gitopsd;
using namespace gitopsd::store;
using namespace gitopsd::store::test;

namespace {

const DestinationName kProd("prod");

}  // namespace

TEST_CASE("which destination a name stands for, and since when, is kept") {
  Opened s;
  CHECK_FALSE(s->destination(kProd));
  s->set_destination(kProd, "one");
  const auto first = s.clock.now.load();
  s.clock.now += kDay;
  s->set_destination(kProd, "one");
  s.reopen();
  REQUIRE(s->destination(kProd));
  CHECK(s->destination(kProd)->identity == "one");
  CHECK(s->destination(kProd)->since == first);
  s->set_destination(kProd, "two");
  CHECK(s->destination(kProd)->identity == "two");
  CHECK(s->destination(kProd)->since == first + kDay);
  s->set_destination(kProd, "");
  CHECK_FALSE(s->destination(kProd));
}

TEST_CASE("something is owned at a destination from the moment on that it is intended") {
  Opened s;
  s->configure_application({kWeb, ApplicationName("web"), kProd, {}});
  CHECK_FALSE(s->owns_at(kProd));
  InventoryEntry entry;
  entry.id = ResourceId("a");
  s->intend(kWeb, SyncId{1}, std::vector{entry});
  CHECK(s->owns_at(kProd));
  CHECK_FALSE(s->owns_at(DestinationName("other")));
  s->settle(kWeb, SyncId{1}, std::vector{Store::Settled{ResourceId("a"), true, {}, {}, {}}});
  CHECK_FALSE(s->owns_at(kProd));
}
