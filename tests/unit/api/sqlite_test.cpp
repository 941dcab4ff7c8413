// The same routes over the real store: what they take its answers to mean is what it gives.
#include <future>

#include "tests/unit/api/world.h"

using namespace gitopsd;
using namespace gitopsd::api;

namespace {

struct Stored : World {
  std::unique_ptr<store::Store> real;

  Stored() {
    std::filesystem::create_directory(folder + "/store");
    real = store::open_sqlite(folder + "/store");
    auto snapshot = std::make_shared<const config::Config>(config);
    Environment environment;
    environment.config = [snapshot] { return snapshot; };
    environment.store = real.get();
    environment.dispatcher = &dispatcher;
    environment.server = &server;
    api = make_api(environment);
    api->start();
  }
  ~Stored() { api.reset(); }

  /// The ids of as many events, each brought by a delivery of its own.
  std::vector<std::int64_t> deliver(int count) {
    std::vector<std::int64_t> out;
    for (int i = 0; i < count; ++i) {
      store::Delivery delivery;
      delivery.hook = HookName("main");
      delivery.id = DeliveryId("72d3162e-cc78-11e3-81ab-4c9367dc09" + std::to_string(10 + i));
      delivery.received = kNoon + i;
      delivery.headers = "{}";
      store::NewEvent& event = delivery.events.emplace_back();
      event.repository = RepositoryName("site");
      event.ref = *Ref::parse("refs/heads/main");
      event.after = commit_of('b');
      event.received = delivery.received;
      std::promise<store::Accepted> promise;
      real->accept(std::move(delivery), [&](store::Accepted accepted, std::exception_ptr error) {
        if (error)
          promise.set_exception(error);
        else
          promise.set_value(std::move(accepted));
      });
      out.push_back(promise.get_future().get().events.at(0).value);
    }
    return out;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Stored, "stored events come page by page and whole") {
  const auto made = deliver(5);
  const auto first = get("/v1/events?limit=3");
  CHECK(first.body.at_pointer("/events/0/id")->as_int() == made[4]);
  CHECK(first.body.at_pointer("/events/0/delivery")->as_string() == "72d3162e-cc78-11e3-81ab-4c9367dc0914");
  const auto rest = get("/v1/events?limit=3&before=" + std::to_string(first.body.get_int("next")));
  REQUIRE(rest.body.get_array("events").size() == 2);
  CHECK(rest.body.at_pointer("/events/1/id")->as_int() == made[0]);
  CHECK(rest.body.as_object().at("next").is_null());
  CHECK(get("/v1/events?since=2026-11-24T12:00:00.000003Z").body.get_array("events").size() == 2);
  const auto one = get("/v1/events/" + std::to_string(made[0]));
  CHECK(one.body.at_pointer("/event/state")->as_string() == "queued");
  CHECK(one.body.at_pointer("/event/hook")->as_string() == "main");
  CHECK(one.body.at_pointer("/syncs")->as_array().empty());
  CHECK(get("/v1/status").body.at_pointer("/events/queued")->as_int() == 5);
}

TEST_CASE_FIXTURE(Stored, "a stored sync is found by its event and by its application") {
  const auto made = deliver(1);
  store::Sync s = sync_double(0, made[0]);
  s.state = store::SyncState::running;
  const SyncId id = real->begin_sync(s);
  const auto of_event = get("/v1/events/" + std::to_string(made[0]));
  CHECK(of_event.body.at_pointer("/syncs/0/id")->as_int() == id.value);
  const auto of_application = get("/v1/applications/web/syncs");
  CHECK(of_application.body.at_pointer("/syncs/0/event")->as_int() == made[0]);
}

TEST_CASE_FIXTURE(Stored, "the stored audit record is read in pages that join, and verified") {
  for (int i = 0; i < 5; ++i) real->audit(R"({"who": "alice", "what": "sync"})");
  std::vector<std::int64_t> sequences;
  Value next = 1;
  while (!next.is_null()) {
    const auto page = get("/v1/audit?limit=2&from=" + std::to_string(next.as_int()));
    REQUIRE(page.status == 200);
    for (const auto& entry : page.body.get_array("entries")) {
      sequences.push_back(entry.get_int("sequence"));
      CHECK(entry.at_pointer("/entry/who")->as_string() == "alice");
    }
    next = page.body.as_object().at("next");
  }
  REQUIRE(sequences.size() == 5);
  for (std::size_t i = 1; i < sequences.size(); ++i) CHECK(sequences[i] == sequences[i - 1] + 1);
  CHECK(post("/v1/audit/verify").body.get_bool("intact"));
}
