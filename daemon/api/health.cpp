#include "daemon/api/health.h"

#include <algorithm>

#include "base/clock.h"
#include "daemon/api/objects.h"

namespace gitopsd::api {
namespace {

Check loop_check(std::string name, std::int64_t age_ms) {
  return {std::move(name), age_ms < kLoopStuckMs, "last ran " + std::to_string(age_ms) + " ms ago"};
}

Check destination_check(const sync::DestinationStatus& status, const config::Config& config) {
  Check check{"destination:" + status.name.str(), status.reachable, "connected"};
  if (check.ok) return check;
  const bool used = std::ranges::any_of(
      config.applications, [&](const auto& application) { return application.destination == status.name; });
  // Nobody connects to a destination that no application uses, so its silence says nothing.
  check.ok = !used;
  check.detail = !used              ? "no application uses it"
                 : status.connected ? "unreachable since " + rfc3339(status.since)
                                    : "provider '" + status.provider + "' is not connected";
  return check;
}

Reply checks_reply(std::string_view verdict, const std::vector<Check>& checks) {
  const bool good = std::ranges::all_of(checks, &Check::ok);
  Value list = Value::array();
  for (const auto& check : checks) {
    list.push(
        Value::object({{"name", check.name}, {"ok", check.ok}, {"detail", text_or_null(check.detail)}}));
  }
  return json_reply(good ? 200 : 503,
                    Value::object({{std::string(verdict), good}, {"checks", std::move(list)}}));
}

}  // namespace

std::int64_t Context::loop_age_ms() const {
  const Monotonic::time_point ran(Monotonic::duration(loop_ran.load()));
  return std::chrono::duration_cast<std::chrono::milliseconds>(Monotonic::now() - ran).count();
}

std::vector<Check> liveness(const Context& context) {
  return {loop_check("api_loop", context.loop_age_ms()),
          loop_check("door_loop", context.server().loop_age_ms())};
}

std::vector<Check> readiness(const Context& context) {
  auto checks = liveness(context);
  const bool writable = context.store().writable();
  checks.push_back(
      {"store", writable,
       writable ? "writable" : "an earlier write failed: free the disk or repair it, then restart"});
  if (const auto reload = context.environment.reload(); reload.refused != 0) {
    // No reason to be not ready; and no text of the configuration for whoever may read this.
    checks.push_back({"config", true,
                      "the reload at " + rfc3339(reload.refused) +
                          " was refused and the configuration before it stays in force: gitopsctl status"});
  }
  const auto config = context.config();
  for (const auto& status : context.dispatcher().destinations()) {
    checks.push_back(destination_check(status, *config));
  }
  return checks;
}

Reply healthz(const Context& context) {
  return checks_reply("healthy", liveness(context));
}
Reply readyz(const Context& context) {
  return checks_reply("ready", readiness(context));
}

}  // namespace gitopsd::api
