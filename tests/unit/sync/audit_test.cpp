// What the audit says of a change.
#include <future>

#include "base/json.h"
#include "tests/unit/sync/world.h"

namespace gitopsd::sync::test {

TEST_CASE("promise 11: the audit tells which delivery brought a change, also once its event is gone") {
  World world;
  world.add("web");
  world.start();
  store::Delivery delivery;
  delivery.hook = HookName("forge");
  delivery.id = DeliveryId("0a1b-2c3d");
  delivery.received = system_clock().wall();
  store::NewEvent push;
  push.repository = RepositoryName("site");
  push.ref = source::test::main_ref();
  push.after = world.commit({{"web/a.yaml", thing("a", "1")}});
  push.body_signed = true;
  push.received = delivery.received;
  delivery.events = {push};
  std::promise<EventId> stored;
  world.store->accept(delivery, [&](const store::Accepted& accepted, const std::exception_ptr&) {
    stored.set_value(accepted.events.at(0));
  });
  const auto event = stored.get_future().get();
  world.dispatcher->notify({event});
  CHECK(world.ended(event).state == store::EventState::succeeded);
  while (world.store->retain(system_clock().wall() + 1'000'000)) continue;
  CHECK_FALSE(world.store->event(event));
  const auto log = world.store->audit_log(1, 100);
  REQUIRE(log.size() == 1);
  const auto entry = parse_json(log[0].entry);
  CHECK(entry.get_int("event") == event.value);
  CHECK(entry.get_string("hook") == "forge");
  CHECK(entry.get_string("delivery") == "0a1b-2c3d");
  // What no delivery brought names none.
  world.place.change("a", "by hand");
  CHECK(eventually([&] { return world.store->audit_log(1, 100).size() == 2; }));
  CHECK_FALSE(parse_json(world.store->audit_log(2, 1).at(0).entry).find("delivery"));
}

}  // namespace gitopsd::sync::test
