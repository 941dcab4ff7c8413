#include <algorithm>

#include "daemon/api/objects.h"
#include "daemon/api/redact.h"
#include "daemon/api/refusal.h"
#include "daemon/api/routes.h"
#include "handlers/handler.h"

namespace gitopsd::api {
namespace {

Value hook_object(const config::Hook& hook, const std::string& public_url) {
  const std::string path = "/hooks/" + hook.name.str();
  Value repositories = Value::array();
  for (const auto& name : hook.repositories) repositories.push(name.str());
  return Value::object({{"name", hook.name.str()},
                        {"forge", hook.forge},
                        {"repositories", std::move(repositories)},
                        {"path", path},
                        {"url", public_url.empty() ? Value() : Value(public_url + path)}});
}

std::string without_trailing_slash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

}  // namespace

Reply hooks(const Context& context, const Request&) {
  const auto config = context.config();
  const std::string public_url = without_trailing_slash(config->server.public_url);
  Value list = Value::array(), forges = Value::array(), refused = Value::array();
  for (const auto& hook : config->hooks) list.push(hook_object(hook, public_url));
  for (const auto& forge : handlers::forges()) forges.push(forge);
  const auto ring = context.server().refused();
  for (auto it = ring.rbegin(); it != ring.rend(); ++it) refused.push(refused_object(*it));
  return json_reply(200, Value::object({{"public_url", text_or_null(public_url)},
                                        {"hooks", std::move(list)},
                                        {"forges", std::move(forges)},
                                        {"counters", counters_object(context.server().counters())},
                                        {"refused", std::move(refused)}}));
}

Reply repositories(const Context& context, const Request&) {
  Value list = Value::array();
  for (const auto& r : context.dispatcher().repositories()) {
    list.push(Value::object({{"name", r.name.str()},
                             {"url", without_password(r.url)},
                             {"last_look", time_or_null(r.last_look)},
                             {"age_ms", span_ms(r.last_look, context.now())},
                             {"error", text_or_null(r.error)}}));
  }
  return json_reply(200, Value::object({{"repositories", std::move(list)}}));
}

Reply destinations(const Context& context, const Request&) {
  Value list = Value::array();
  for (const auto& d : context.dispatcher().destinations()) {
    list.push(Value::object({{"name", d.name.str()},
                             {"provider", d.provider},
                             {"connected", d.connected},
                             {"reachable", d.reachable},
                             {"since", time_or_null(d.since)},
                             {"starts", d.starts},
                             {"identity", text_or_null(d.identity)},
                             {"error", text_or_null(d.error)},
                             {"conditions", conditions_list(d.conditions)}}));
  }
  return json_reply(200, Value::object({{"destinations", std::move(list)}}));
}

Reply accept_destination(const Context& context, const Request& request) {
  const std::string& wanted = request.captured.front();
  std::vector<std::string> names;
  for (const auto& destination : context.config()->destinations) names.push_back(destination.name.str());
  if (std::ranges::find(names, wanted) == names.end())
    throw not_found("there is no destination '" + wanted + "'", suggestion(wanted, names));
  const Value* looked_at = request.body.find("identity");
  std::optional<std::string> identity;
  if (looked_at != nullptr && !looked_at->is_null()) {
    if (!looked_at->is_string()) throw bad_request("identity is no text", "GET /v1/destinations has it");
    identity = looked_at->as_string();
  }
  context.dispatcher().accept_destination(DestinationName(wanted), identity, request.who);
  return json_reply(200, Value::object({{"destination", wanted}}));
}

}  // namespace gitopsd::api
