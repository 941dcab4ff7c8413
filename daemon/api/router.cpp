#include "daemon/api/router.h"

#include <algorithm>

#include "base/json.h"
#include "base/log.h"
#include "daemon/api/peer.h"
#include "daemon/api/refusal.h"
#include "daemon/api/routes.h"
#include "daemon/api/target.h"

namespace gitopsd::api {
namespace {

using Segments = std::vector<std::string>;

struct Route {
  std::string_view method;
  std::string_view pattern;  ///< "{}" stands for one segment
  Reply (*handle)(const Context&, const Request&);
  std::vector<std::string> keys;  ///< of the query (GET) or the body (POST)
  bool slow = false;
};

const std::vector<Route>& routes() {
  static const std::vector<Route> table = {
      {"GET", "/v1/version", version, {}},
      {"GET", "/v1/status", status, {}},
      {"GET", "/v1/events", events, {"state", "repository", "since", "before", "limit"}},
      {"GET", "/v1/events/{}", event, {}},
      {"POST", "/v1/events/{}/replay", replay_event, {}},
      {"POST", "/v1/replay", replay_failed, {"failed", "since", "repository"}, true},
      {"GET", "/v1/syncs/{}", sync, {}},
      {"GET", "/v1/applications/{}", application, {}},
      {"GET", "/v1/applications/{}/syncs", application_syncs, {"limit"}},
      {"GET", "/v1/applications/{}/inventory", application_inventory, {}},
      {"POST", "/v1/applications/{}/plan", plan_application, {"revision"}, true},
      {"POST", "/v1/applications/{}/sync", sync_application, {}},
      {"POST", "/v1/applications/{}/approve", approve_application, {"sync"}},
      {"POST", "/v1/applications/{}/reject", reject_application, {"sync"}},
      {"POST", "/v1/applications/{}/rollback", rollback_application, {"to"}},
      {"POST", "/v1/applications/{}/resume", resume_application, {}},
      {"POST", "/v1/applications/{}/delete", delete_application, {"cascade"}},
      {"POST", "/v1/applications/{}/forget", forget_application, {}},
      {"GET", "/v1/hooks", hooks, {}},
      {"GET", "/v1/repositories", repositories, {}},
      {"GET", "/v1/destinations", destinations, {}},
      {"POST", "/v1/destinations/{}/accept", accept_destination, {"identity"}, true},
      {"GET", "/v1/audit", audit, {"from", "limit"}},
      {"POST", "/v1/audit/verify", verify_audit, {}, true},
      {"GET", "/v1/progress", progress, {"application", "event", "sync", "repository", "until"}},
  };
  return table;
}

Segments split(std::string_view pattern) {
  Segments out;
  pattern.remove_prefix(1);
  while (true) {
    const auto slash = pattern.find('/');
    out.emplace_back(pattern.substr(0, slash));
    if (slash == std::string_view::npos) return out;
    pattern.remove_prefix(slash + 1);
  }
}

std::string join(const Segments& segments) {
  std::string out;
  for (const auto& segment : segments) out += "/" + segment;
  return out;
}

bool matches(const Segments& pattern, const Segments& path) {
  const auto fits = [](const std::string& want, const std::string& have) {
    return want == "{}" ? !have.empty() : want == have;
  };
  return std::ranges::equal(pattern, path, fits);
}

/// Every route that could be meant, with the path's own segments in the places of "{}".
std::string nearest_path(const Segments& path) {
  Segments candidates;
  for (const auto& route : routes()) {
    Segments filled = split(route.pattern);
    for (std::size_t i = 0; i < filled.size(); ++i) {
      if (filled[i] == "{}") filled[i] = i < path.size() ? path[i] : "NAME";
    }
    candidates.push_back(join(filled));
  }
  return suggestion(join(path), candidates);
}

const Route* find(std::string_view method, const Segments& path, std::string& allow) {
  for (const auto& route : routes()) {
    if (!matches(split(route.pattern), path)) continue;
    if (route.method == method) return &route;
    allow += allow.empty() ? "" : ", ";
    allow += route.method;
  }
  return nullptr;
}

void check_key(const Route& route, const std::string& key, std::string_view where) {
  if (std::ranges::find(route.keys, key) != route.keys.end()) return;
  std::string hint = suggestion(key, route.keys);
  if (hint.empty() && !route.keys.empty()) {
    hint = "it takes";
    for (const auto& known : route.keys) hint += " " + known;
  }
  throw bad_request("unknown " + std::string(where) + " key '" + key + "'", std::move(hint));
}

Value read_body(const RawRequest& raw) {
  if (raw.body.empty()) return Value::object();
  const std::string_view type = raw.content_type;
  if (!type.starts_with("application/json")) {
    throw bad_request("the body's Content-Type is '" + raw.content_type.substr(0, 80) + "'",
                      "send JSON as application/json");
  }
  Value body;
  try {
    body = parse_json(raw.body, "body");
  } catch (const Failure& failure) {
    throw bad_request(failure.problems().front().str(), {});
  }
  if (!body.is_object()) {
    throw bad_request("the body is a JSON " + std::string(body.type_name()), "it must be an object");
  }
  return body;
}

Reply wrong_method(const RawRequest& raw, std::string allow) {
  const Refusal refusal(405, ProblemCause::input, "this path does not take " + raw.method.substr(0, 20),
                        "use " + allow);
  Reply reply = error_reply(std::make_exception_ptr(refusal));
  reply.allow = std::move(allow);
  return reply;
}

Reply dispatch(const Context& context, const RawRequest& raw) {
  Request request;
  request.who = authorize(raw.peer, *context.config());
  Target target = parse_target(raw.target);
  std::string allow;
  const Route* route = find(raw.method, target.segments, allow);
  if (!route && !allow.empty()) return wrong_method(raw, std::move(allow));
  if (!route)
    throw not_found("there is no path '" + join(target.segments) + "'", nearest_path(target.segments));
  const Segments pattern = split(route->pattern);
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == "{}") request.captured.push_back(target.segments[i]);
  }
  const bool acts = route->method == "POST";
  if (acts && !target.query.empty())
    throw bad_request("POST takes its arguments in the body, not in the query");
  if (!acts && !raw.body.empty()) throw bad_request("GET takes no body");
  for (const auto& [key, value] : target.query) check_key(*route, key, "query");
  request.query = std::move(target.query);
  if (acts) {
    request.body = read_body(raw);
    for (const auto& [key, value] : request.body.as_object()) check_key(*route, key, "body");
    log::info("operator call", {{"who", request.who}, {"path", join(target.segments)}});
  }
  return route->handle(context, request);
}

}  // namespace

bool is_slow(const RawRequest& raw) {
  try {
    std::string allow;
    const Route* route = find(raw.method, parse_target(raw.target).segments, allow);
    return route && route->slow;
  } catch (const Failure&) {
    return false;  // it will be refused, quickly
  }
}

Reply answer(const Context& context, const RawRequest& raw) {
  try {
    return dispatch(context, raw);
  } catch (...) {
    return error_reply(std::current_exception());
  }
}

}  // namespace gitopsd::api
