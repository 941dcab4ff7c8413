#include "providers/aws/query.h"

#include "base/hash.h"

namespace gitopsd::aws {

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
    const auto signature =
        sign(request, endpoint.substr(endpoint.find("://") + 3), to_hex(sha256(request.body)), *credentials,
             {settings.region, std::string(service.id)}, now);
    out.headers.insert(out.headers.end(), signature.headers.begin(), signature.headers.end());
  }
  out.body = std::move(request.body);
  return out;
}

}  // namespace gitopsd::aws
