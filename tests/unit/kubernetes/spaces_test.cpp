// What an answer says of a namespace.
#include "providers/kubernetes/spaces.h"

#include <doctest/doctest.h>

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

}  // namespace gitopsd::kubernetes
