#include "daemon/api/metrics.h"

#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <limits>

#include "base/heap.h"
#include "daemon/api/objects.h"

namespace gitopsd::api {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<std::pair<std::string, std::string>>;

/// From one fdatasync to a first clone.
const prometheus::Histogram::BucketBoundaries kSeconds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                                          0.5,   1,      2.5,   5,    10,    30,   60,  300};

struct Stage {
  const char* name;
  WallMicros store::Timings::*when;
};
constexpr Stage kStages[] = {{"stored", &store::Timings::stored},     {"fetched", &store::Timings::fetched},
                             {"rendered", &store::Timings::rendered}, {"planned", &store::Timings::planned},
                             {"applied", &store::Timings::applied},   {"healthy", &store::Timings::healthy}};

/// Collects families one sample at a time.
class Page {
 public:
  void family(std::string name, std::string help, MetricType type) {
    families_.push_back({std::move(name), std::move(help), type, {}});
  }
  void sample(double value, const Labels& labels = {}) {
    prometheus::ClientMetric metric;
    for (const auto& [name, text] : labels) metric.label.push_back({name, text});
    if (families_.back().type == MetricType::Counter)
      metric.counter.value = value;
    else
      metric.gauge.value = value;
    families_.back().metric.push_back(std::move(metric));
  }
  void sample(std::int64_t value, const Labels& labels = {}) { sample(static_cast<double>(value), labels); }
  void gauge(std::string name, std::string help, double value, const Labels& labels = {}) {
    family(std::move(name), std::move(help), MetricType::Gauge);
    sample(value, labels);
  }
  std::vector<MetricFamily>& families() { return families_; }

 private:
  std::vector<MetricFamily> families_;
};

void add_door(Page& page, const server::Server& server) {
  const auto c = server.counters();
  page.family("gitopsd_deliveries_total", "Answers to deliveries", MetricType::Counter);
  page.sample(c.accepted, {{"outcome", "accepted"}});
  page.sample(c.duplicates, {{"outcome", "duplicate"}});
  page.sample(c.ignored, {{"outcome", "ignored"}});
  page.sample(c.unauthenticated, {{"outcome", "unauthenticated"}});
  page.sample(c.malformed, {{"outcome", "malformed"}});
  page.sample(c.rejected_limits, {{"outcome", "limited"}});
  page.sample(c.store_errors, {{"outcome", "store_error"}});
  page.family("gitopsd_handshake_failures_total", "TLS handshakes that failed", MetricType::Counter);
  page.sample(c.handshake_failures);
  page.gauge("gitopsd_connections", "Connections open at the door", static_cast<double>(c.connections));
}

void add_store(Page& page, const store::Store& store) {
  const auto counts = store.counts();
  page.family("gitopsd_events", "Stored events by state", MetricType::Gauge);
  for (const auto& [state, count] : event_counts(counts)) page.sample(count, {{"state", state}});
  page.gauge("gitopsd_store_bytes", "Database and write-ahead log", static_cast<double>(counts.bytes));
  page.gauge("gitopsd_store_writable", "Whether intake can store", store.writable() ? 1 : 0);
}

void add_syncs(Page& page, const sync::Metrics& m) {
  page.family("gitopsd_syncs_total", "Ended syncs", MetricType::Counter);
  page.sample(m.syncs_succeeded, {{"outcome", "succeeded"}});
  page.sample(m.syncs_failed, {{"outcome", "failed"}});
  page.sample(m.syncs_superseded, {{"outcome", "superseded"}});
  page.family("gitopsd_heals_total", "Drift put back", MetricType::Counter);
  page.sample(m.heals);
  page.family("gitopsd_fetches_total", "Fetches from repositories", MetricType::Counter);
  page.sample(m.fetches, {{"outcome", "succeeded"}});
  page.sample(m.fetch_failures, {{"outcome", "failed"}});
}

void add_applications(Page& page, const std::vector<sync::ApplicationStatus>& applications) {
  using sync::Phase;
  std::map<std::string_view, std::int64_t> phases;
  for (const auto phase : {Phase::idle, Phase::queued, Phase::fetching, Phase::rendering, Phase::planning,
                           Phase::held, Phase::applying, Phase::waiting_health, Phase::backing_off}) {
    phases[to_string(phase)] = 0;
  }
  for (const auto& a : applications) ++phases[to_string(a.phase)];
  page.family("gitopsd_applications", "Applications by what they are doing", MetricType::Gauge);
  for (const auto& [phase, count] : phases) page.sample(count, {{"phase", std::string(phase)}});
  page.family("gitopsd_application_status", "1 for the status and health that an application has",
              MetricType::Gauge);
  for (const auto& a : applications) {
    page.sample(1.0, {{"application", a.name.str()},
                      {"status", std::string(status_word(a.status))},
                      {"health", std::string(to_string(a.health))}});
  }
}

void add_sources(Page& page, const Context& context) {
  page.family("gitopsd_repository_last_look_age_seconds", "Since the last successful poll or fetch",
              MetricType::Gauge);
  for (const auto& r : context.dispatcher().repositories()) {
    const double age = r.last_look == 0 ? std::numeric_limits<double>::infinity()
                                        : static_cast<double>(context.now() - r.last_look) / 1e6;
    page.sample(age, {{"repository", r.name.str()}});
  }
  const auto destinations = context.dispatcher().destinations();
  page.family("gitopsd_provider_up", "Whether a destination's provider is connected", MetricType::Gauge);
  for (const auto& d : destinations) {
    page.sample(d.connected ? 1.0 : 0.0, {{"destination", d.name.str()}, {"provider", d.provider}});
  }
  page.family("gitopsd_destination_reachable",
              "Whether a destination's provider is connected and reaches the destination", MetricType::Gauge);
  for (const auto& d : destinations) {
    page.sample(d.reachable ? 1.0 : 0.0, {{"destination", d.name.str()}, {"provider", d.provider}});
  }
  page.family("gitopsd_destination_conditions",
              "What else a provider says of its destination, such as missing rights", MetricType::Gauge);
  for (const auto& d : destinations) {
    page.sample(static_cast<double>(d.conditions.size()),
                {{"destination", d.name.str()}, {"provider", d.provider}});
  }
  page.family("gitopsd_provider_starts_total", "How often a destination's provider was started",
              MetricType::Counter);
  for (const auto& d : destinations) {
    page.sample(static_cast<double>(d.starts), {{"destination", d.name.str()}, {"provider", d.provider}});
  }
}

void add_process(Page& page, const Context& context) {
  page.gauge("gitopsd_build_info", "1, with the version", 1, {{"version", GITOPSD_VERSION}});
  page.gauge("gitopsd_resident_memory_bytes", "Resident memory of the daemon",
             static_cast<double>(resident_bytes()));
  page.gauge("gitopsd_start_time_seconds", "When the daemon started, Unix time",
             static_cast<double>(context.started) / 1e6);
  const auto reload = context.environment.reload();
  page.gauge("gitopsd_config_last_reload_successful",
             "Whether the last change of the configuration came into force", reload.refused == 0 ? 1 : 0);
  page.gauge("gitopsd_config_last_reload_success_timestamp_seconds",
             "When the configuration in force was read, Unix time",
             static_cast<double>(reload.succeeded) / 1e6);
  page.family("gitopsd_loop_age_seconds", "Since an event loop last ran", MetricType::Gauge);
  page.sample(static_cast<double>(context.server().loop_age_ms()) / 1e3, {{"loop", "door"}});
  page.sample(static_cast<double>(context.loop_age_ms()) / 1e3, {{"loop", "api"}});
}

}  // namespace

struct Metrics::Histograms {
  prometheus::Registry registry;
  std::vector<prometheus::Histogram*> by_stage;
};

Metrics::Metrics() : histograms_(std::make_unique<Histograms>()) {
  auto& family = prometheus::BuildHistogram()
                     .Name("gitopsd_push_stage_seconds")
                     .Help("From an event's receipt to each stage")
                     .Register(histograms_->registry);
  for (const auto& stage : kStages)
    histograms_->by_stage.push_back(&family.Add({{"stage", stage.name}}, kSeconds));
}

Metrics::~Metrics() = default;

void Metrics::collect(sync::Dispatcher& dispatcher) {
  for (const auto& timings : dispatcher.take_timings()) {
    if (timings.received == 0) continue;
    for (std::size_t i = 0; i < std::size(kStages); ++i) {
      const WallMicros when = timings.*kStages[i].when;
      // A wall clock that was set back in between gives no duration worth keeping.
      if (when < timings.received) continue;
      histograms_->by_stage[i]->Observe(static_cast<double>(when - timings.received) / 1e6);
    }
  }
}

std::string Metrics::text(const Context& context) {
  collect(context.dispatcher());
  Page page;
  add_process(page, context);
  add_door(page, context.server());
  add_store(page, context.store());
  add_syncs(page, context.dispatcher().metrics());
  add_applications(page, context.dispatcher().status());
  add_sources(page, context);
  auto families = std::move(page.families());
  for (auto& family : histograms_->registry.Collect()) families.push_back(std::move(family));
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace gitopsd::api
