// What an answer says of a namespace, and managedFields of who wrote an object.
#include "providers/kubernetes/spaces.h"

#include <doctest/doctest.h>

#include "base/json.h"
#include "providers/kubernetes/managed_fields.h"

namespace gitopsd::kubernetes {
namespace {

Space space_of(int status, const char* body = "{}") {
  HttpResponse response;
  response.status = status;
  response.body = body;
  return space_in(response, "web");
}

}  // namespace

TEST_CASE("a namespace is there, goes, or is missing") {
  CHECK(space_of(200, R"({"metadata":{"name":"web"}})").state == Space::State::there);
  CHECK(space_of(200, R"({"metadata":{"name":"web"}})").text.empty());
  const auto going =
      space_of(200, R"({"metadata":{"deletionTimestamp":"2026-11-29T08:00:00Z"},"status":{"conditions":[
    {"type":"NamespaceFinalizersRemaining","status":"True","message":"Some content has finalizers: a in 1 object"}]}})");
  CHECK(going.state == Space::State::going);
  CHECK(going.text ==
        "namespace \"web\" to be gone, deleted by somebody at 2026-11-29T08:00:00Z; Some content has "
        "finalizers: a in 1 object");
  CHECK(space_of(404).state == Space::State::missing);
  CHECK(space_of(404).text == "namespace \"web\", which does not exist");
}

TEST_CASE("who may not see a namespace, or gets no answer, does not know how it is") {
  for (const int status : {0, 403, 500}) {
    CHECK(space_of(status).state == Space::State::unknown);
    CHECK(space_of(status).text.empty());
  }
  CHECK(space_of(200, "no JSON").state == Space::State::unknown);
}

TEST_CASE("the last who wrote an object, but for us and for its status") {
  const auto last = [](const char* entries) {
    return last_other(parse_json(std::string(R"({"metadata":{"managedFields":)") + entries + "}}"));
  };
  const auto found = last(R"([{"manager":"gitopsd","operation":"Apply","time":"2026-11-29T09:00:00Z"},
    {"manager":"first","operation":"Update","time":"2026-11-29T07:00:00Z"},
    {"manager":"kubectl-edit","operation":"Update","time":"2026-11-29T08:00:00Z"},
    {"manager":"controller","operation":"Update","subresource":"status","time":"2026-11-29T08:30:00Z"}])");
  CHECK(found.manager == "kubectl-edit");
  CHECK(found.time == "2026-11-29T08:00:00Z");
  CHECK(last(R"([{"manager":"scaler","subresource":"scale","time":"2026-11-29T08:00:00Z"}])").manager ==
        "scaler");
  CHECK(last("[]").manager.empty());
}

}  // namespace gitopsd::kubernetes
