#include "daemon/store/delivery_key.h"

#include <doctest/doctest.h>

using namespace gitopsd;
using namespace gitopsd::store;

TEST_CASE("a delivery key keeps every id as it was written") {
  for (const char* id :
       {"d1f7e000-8a4b-11ef-9c00-0242ac120002", "8c1a6f7e-3c3d-4bd1-9e40-3f5d0f1c2b3a",
        "D1F7E000-8A4B-11EF-9C00-0242AC120002", "42", "x", "d1f7e000-8a4b-11ef-9c00-0242ac12000",
        "d1f7e00008a4b-11ef-9c00-0242ac120002", "00000000-0000-0000-0000-000000000000", "ü"}) {
    CAPTURE(id);
    CHECK(delivery_id(indexed_key(DeliveryKey(DeliveryId(id)), 2811)).str() == id);
  }
}

TEST_CASE("version 1 ids sort by their time, whatever week they came in") {
  const DeliveryKey earlier(DeliveryId("ffffffff-8a4b-11ef-9c00-0242ac120002"));
  const DeliveryKey later(DeliveryId("00000000-8a4c-11ef-9c00-0242ac120002"));
  CHECK(earlier.timed());
  CHECK(indexed_key(earlier, 1) < indexed_key(later, 1));
  CHECK(indexed_key(earlier, 1) == indexed_key(earlier, 9));
}

TEST_CASE("other ids are gathered by week") {
  const DeliveryKey random(DeliveryId("8c1a6f7e-3c3d-4bd1-9e40-3f5d0f1c2b3a"));
  const DeliveryKey small(DeliveryId("00000000-0000-4000-8000-000000000000"));
  CHECK_FALSE(random.timed());
  CHECK(indexed_key(random, 1) < indexed_key(small, 2));
  CHECK(indexed_key(random, 255) < indexed_key(small, 256));
}
