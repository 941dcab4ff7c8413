#include <unistd.h>

#include <algorithm>

#include "daemon/api/health.h"
#include "daemon/api/objects.h"
#include "daemon/api/routes.h"

namespace gitopsd::api {

Reply version(const Context& context, const Request& request) {
  return json_reply(200, Value::object({{"version", GITOPSD_VERSION},
                                        {"api", 1},
                                        {"pid", static_cast<std::int64_t>(getpid())},
                                        {"started", time_or_null(context.started)},
                                        {"user", request.who}}));
}

Reply status(const Context& context, const Request&) {
  auto applications = context.dispatcher().status();
  std::ranges::sort(applications, {}, [](const auto& a) { return std::pair(a.name.str(), a.uid.str()); });
  Value list = Value::array();
  for (const auto& application : applications) list.push(application_object(application));
  Value not_ready = Value::array();
  for (const auto& check : readiness(context)) {
    if (!check.ok) not_ready.push(check.name + ": " + check.detail);
  }
  const auto reload = context.environment.reload();
  Value events = Value::object();
  for (const auto& [state, count] : event_counts(context.store().counts())) events.set(state, count);
  return json_reply(200, Value::object({{"version", GITOPSD_VERSION},
                                        {"now", time_or_null(context.now())},
                                        {"started", time_or_null(context.started)},
                                        {"config", context.config()->file},
                                        {"config_read", time_or_null(reload.succeeded)},
                                        {"config_refused", time_or_null(reload.refused)},
                                        {"config_error", text_or_null(reload.error)},
                                        {"ready", not_ready.as_array().empty()},
                                        {"not_ready", not_ready},
                                        {"events", std::move(events)},
                                        {"applications", std::move(list)}}));
}

}  // namespace gitopsd::api
