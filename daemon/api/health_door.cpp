#include "daemon/api/health_door.h"

#include "daemon/api/health.h"
#include "daemon/api/refusal.h"
#include "daemon/api/target.h"

namespace gitopsd::api {
namespace {

Reply metrics_reply(const Context& context, Metrics& metrics) {
  Reply reply;
  reply.type = "text/plain; version=0.0.4; charset=utf-8";
  reply.body = metrics.text(context);
  return reply;
}

Reply dispatch(const Context& context, Metrics& metrics, const RawRequest& raw) {
  const auto target = parse_target(raw.target);
  const std::string path = target.segments.size() == 1 ? target.segments.front() : "";
  const bool known = path == "healthz" || path == "readyz" || path == "metrics";
  if (!known) throw not_found("there is no such path", "/healthz, /readyz and /metrics are here");
  if (raw.method != "GET") {
    Reply reply = error_reply(std::make_exception_ptr(Refusal(405, ProblemCause::input, "use GET")));
    reply.allow = "GET";
    return reply;
  }
  if (path == "healthz") return healthz(context);
  if (path == "readyz") return readyz(context);
  return metrics_reply(context, metrics);
}

}  // namespace

Reply answer_health(const Context& context, Metrics& metrics, const RawRequest& raw) {
  try {
    return dispatch(context, metrics, raw);
  } catch (...) {
    return error_reply(std::current_exception());
  }
}

}  // namespace gitopsd::api
