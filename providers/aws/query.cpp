#include "providers/aws/query.h"

#include "base/hash.h"

namespace gitopsd::aws {
namespace {

/// Where a URL leads, as its Host header has it.
std::string host_in(const std::string& base) {
  const std::string rest = base.substr(base.find("://") + 3);
  return rest.substr(0, rest.find('/'));
}

}  // namespace

Outgoing query_request(const Service& service, const std::string& action, Fields parameters,
                       const Settings& settings, const Credentials* credentials, WallMicros now) {
  parameters.insert(parameters.begin(), {{"Action", action}, {"Version", std::string(service.version)}});
  Request request;
  request.method = "POST";
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
  request.body = form_body(parameters);
  const std::string endpoint = endpoint_of(service, settings);
  Outgoing out{endpoint + request.path, request.headers, {}};
  if (credentials) {
    const auto signature = sign(request, host_in(endpoint), to_hex(sha256(request.body)), *credentials,
                                {settings.region, std::string(service.id)}, now);
    out.headers.insert(out.headers.end(), signature.headers.begin(), signature.headers.end());
  }
  out.body = std::move(request.body);
  return out;
}

Outgoing rest_request(const Service& service, const std::string& base, const Request& request,
                      const Settings& settings, const Credentials& credentials, WallMicros now) {
  const std::string query = canonical_query(request.query);
  Outgoing out{base + percent_encode(request.path, "/") + (query.empty() ? "" : "?" + query), request.headers,
               request.body, request.method};
  // The path is signed from the host on: one of an endpoint of one's own is a part of it.
  Request whole = request;
  const std::string rest = base.substr(base.find("://") + 3);
  if (const auto slash = rest.find('/'); slash != rest.npos) whole.path = rest.substr(slash) + request.path;
  const auto payload = to_hex(request.digest ? *request.digest : sha256(request.body));
  const auto signature = sign(whole, host_in(base), payload, credentials,
                              {settings.region, std::string(service.id), false, true}, now);
  out.headers.insert(out.headers.end(), signature.headers.begin(), signature.headers.end());
  return out;
}

}  // namespace gitopsd::aws
