#include "tests/unit/api/world.h"

using namespace gitopsd;
using namespace gitopsd::api;

namespace {

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

const Value* check_named(const Answer& answer, std::string_view name) {
  for (const auto& check : answer.body.get_array("checks")) {
    if (check.get_string("name") == name) return &check;
  }
  return nullptr;
}

}  // namespace

TEST_CASE_FIXTURE(Running, "a daemon that runs is healthy and ready") {
  const auto health = probe("/healthz");
  CHECK(health.status == 200);
  CHECK(health.body.get_bool("healthy"));
  const auto ready = probe("/readyz");
  CHECK(ready.status == 200);
  for (const std::string name : {"api_loop", "door_loop", "store", "destination:web-1"}) {
    CAPTURE(name);
    REQUIRE(check_named(ready, name));
    CHECK(check_named(ready, name)->get_bool("ok"));
  }
}

TEST_CASE_FIXTURE(Running, "a stuck door is neither healthy nor ready") {
  server.age_ms = 60'000;
  const auto health = probe("/healthz");
  CHECK(health.status == 503);
  CHECK_FALSE(health.body.get_bool("healthy"));
  CHECK_FALSE(check_named(health, "door_loop")->get_bool("ok"));
  CHECK(probe("/readyz").status == 503);
}

TEST_CASE_FIXTURE(Running, "a store that cannot write is not ready, but alive") {
  store.can_write = false;
  CHECK(probe("/healthz").status == 200);
  const auto ready = probe("/readyz");
  CHECK(ready.status == 503);
  CHECK_FALSE(check_named(ready, "store")->get_bool("ok"));
}

TEST_CASE_FIXTURE(World, "a provider that is away counts only where an application uses it") {
  dispatcher.places[0].connected = dispatcher.places[0].reachable = false;
  dispatcher.places.push_back({DestinationName("spare"), "host", false, 0});
  start();
  const auto ready = probe("/readyz");
  CHECK(ready.status == 503);
  CHECK_FALSE(check_named(ready, "destination:web-1")->get_bool("ok"));
  CHECK(check_named(ready, "destination:spare")->get_bool("ok"));
}

TEST_CASE_FIXTURE(
    World, "a destination that its provider does not reach is not ready, since when, and without its words") {
  auto& place = dispatcher.places[0];
  place.reachable = false;
  place.error = "user 'ada' is refused";
  place.since = kNoon;
  start();
  const auto ready = probe("/readyz");
  CHECK(ready.status == 503);
  const Value& check = *check_named(ready, "destination:web-1");
  CHECK_FALSE(check.get_bool("ok"));
  CHECK(check.get_string("detail") == "unreachable since 2026-11-24T12:00:00.000Z");
  const auto metrics = Client::to_port(api->metrics_port()).get("/metrics").text;
  CHECK(metrics.find("gitopsd_destination_reachable{destination=\"web-1\",provider=\"host\"} 0") !=
        metrics.npos);
  CHECK(metrics.find("gitopsd_provider_up{destination=\"web-1\",provider=\"host\"} 1") != metrics.npos);
}

TEST_CASE_FIXTURE(Running, "the health listener serves its three paths and nothing of the operator's API") {
  CHECK(probe("/v1/status").status == 404);
  CHECK(probe("/").status == 404);
  CHECK(probe("/metrics/x").status == 404);
  const auto answer = Client::to_port(api->metrics_port()).post("/healthz");
  CHECK(answer.status == 405);
  CHECK(answer.headers.at("allow") == "GET");
}

TEST_CASE_FIXTURE(World, "without metrics.listen there is no health listener") {
  config.metrics.listen.clear();
  start();
  CHECK(api->metrics_port() == 0);
  CHECK(get("/v1/version").status == 200);
}

TEST_CASE_FIXTURE(World, "metrics tell the door, the store, syncs, sources and providers") {
  server.counts.accepted = 12;
  server.counts.duplicates = 3;
  server.counts.handshake_failures = 1;
  server.counts.connections = 5;
  store.put(event_double(1, store::EventState::failed));
  dispatcher.counted.syncs_succeeded = 9;
  dispatcher.counted.heals = 4;
  dispatcher.counted.fetches = 10;
  dispatcher.counted.fetch_failures = 2;
  dispatcher.applications[1].phase = sync::Phase::queued;
  dispatcher.sources.push_back({RepositoryName("new"), "file:///new", 0, ""});
  start();
  const auto answer = probe("/metrics");
  REQUIRE(answer.status == 200);
  CHECK(answer.headers.at("content-type").starts_with("text/plain; version=0.0.4"));
  for (const std::string line :
       {"# TYPE gitopsd_deliveries_total counter",
        "gitopsd_deliveries_total{outcome=\"accepted\"} 12",
        "gitopsd_deliveries_total{outcome=\"duplicate\"} 3",
        "gitopsd_handshake_failures_total 1",
        "gitopsd_connections 5",
        "gitopsd_events{state=\"failed\"} 1",
        "gitopsd_events{state=\"held\"} 0",
        "gitopsd_syncs_total{outcome=\"succeeded\"} 9",
        "gitopsd_heals_total 4",
        "gitopsd_fetches_total{outcome=\"succeeded\"} 10",
        "gitopsd_fetches_total{outcome=\"failed\"} 2",
        "gitopsd_applications{phase=\"queued\"} 1",
        "gitopsd_repository_last_look_age_seconds{repository=\"site\"} 90",
        "gitopsd_repository_last_look_age_seconds{repository=\"new\"} +Inf",
        "gitopsd_provider_up{destination=\"web-1\",provider=\"host\"} 1",
        "gitopsd_provider_starts_total{destination=\"web-1\",provider=\"host\"} 1",
        "gitopsd_store_bytes 4096",
        "gitopsd_store_writable 1",
        "gitopsd_start_time_seconds 1795521600",
        "gitopsd_application_status{application=\"web\",status=\"unknown\",health=\"unknown\"} 1"}) {
    CAPTURE(line);
    CHECK(has_line(answer.text, line));
  }
  CHECK(answer.text.find("gitopsd_resident_memory_bytes ") != std::string::npos);
  CHECK(answer.text.find("hunter2") == std::string::npos);
}

TEST_CASE_FIXTURE(World, "push to stage is a histogram of the events that ended") {
  store::Timings whole;
  whole.received = kNoon;
  whole.stored = kNoon + 300;
  whole.fetched = kNoon + 20'000;
  whole.applied = kNoon + 2'000'000;
  store::Timings backwards;
  backwards.received = kNoon;
  backwards.stored = kNoon - 1;
  dispatcher.timings = {whole, backwards};
  start();
  const std::string text = probe("/metrics").text;
  for (const std::string line : {"gitopsd_push_stage_seconds_count{stage=\"stored\"} 1",
                                 "gitopsd_push_stage_seconds_bucket{stage=\"stored\",le=\"0.001\"} 1",
                                 "gitopsd_push_stage_seconds_bucket{stage=\"fetched\",le=\"0.01\"} 0",
                                 "gitopsd_push_stage_seconds_bucket{stage=\"fetched\",le=\"0.025\"} 1",
                                 "gitopsd_push_stage_seconds_sum{stage=\"applied\"} 2",
                                 "gitopsd_push_stage_seconds_count{stage=\"healthy\"} 0"}) {
    CAPTURE(line);
    CHECK(has_line(text, line));
  }
  CHECK(has_line(probe("/metrics").text, "gitopsd_push_stage_seconds_count{stage=\"stored\"} 1"));
}
