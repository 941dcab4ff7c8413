#include "providers/kubernetes/spaces.h"

#include "base/json.h"
#include "base/problem.h"
#include "providers/kubernetes/discovery.h"
#include "providers/kubernetes/going.h"
#include "providers/kubernetes/object_fields.h"

namespace gitopsd::kubernetes {

Space space_as(const Value& object, const std::string& name) {
  if (!is_going(object)) return {Space::State::there, {}};
  return {Space::State::going, "namespace \"" + name + "\" to be gone, deleted by somebody at " +
                                   text_at(object, "/metadata/deletionTimestamp") + what_is_left(object)};
}

Space space_in(const HttpResponse& response, const std::string& name) try {
  if (response.status == 404)
    return {Space::State::missing, "namespace \"" + name + "\", which does not exist"};
  if (response.status != 200) return {};
  return space_as(parse_go_json(response.body, name), name);
} catch (const Failure&) {
  return {};
}

std::vector<HttpRequest> space_requests(const std::set<std::string>& names, const Policy& policy) {
  std::vector<HttpRequest> requests;
  requests.reserve(names.size());
  for (const auto& name : names) {
    HttpRequest request;
    request.path = "/api/v1/namespaces/" + escape(name);
    request.headers = policy.headers();
    requests.push_back(std::move(request));
  }
  return requests;
}

std::map<std::string, Space> spaces_in(const std::vector<HttpResponse>& answers,
                                       const std::set<std::string>& names) {
  std::map<std::string, Space> found;
  auto answer = answers.begin();
  for (const auto& name : names) found.emplace(name, space_in(*answer++, name));
  return found;
}

}  // namespace gitopsd::kubernetes
