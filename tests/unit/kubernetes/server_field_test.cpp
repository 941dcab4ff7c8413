#include "providers/kubernetes/server_field.h"

#include <doctest/doctest.h>

#include "base/json.h"

using namespace gitopsd;
using namespace gitopsd::kubernetes;

namespace {

Value service() {
  return parse_json(R"({"metadata": {"annotations": {"example.com/on": "1", "a": "2"}},
    "spec": {"ports": [{"port": 80}, {"port": 81, "protocol": "UDP"}], "list": ["x", "y"]},
    "data": {"bad key": "1", "tls.crt": "2"}})",
                    "test");
}

}  // namespace

TEST_CASE("a field of the server as a JSON pointer") {
  CHECK(pointer_of_field("spec.containers[0].image") == "/spec/containers/0/image");
  CHECK(pointer_of_field(".spec.x") == "/spec/x");
  CHECK(pointer_of_field("data[bad key]") == "/data/bad key");
  CHECK(pointer_of_field("metadata.annotations[\"a/b\"]") == "/metadata/annotations/a~1b");
  CHECK(pointer_of_field("").empty());
  CHECK(pointer_of_field("<nil>").empty());
  CHECK(pointer_of_field("the whole: object").empty());
  CHECK(pointer_of_field("spec[0").empty());
}

TEST_CASE("a field of the server as a member of an object, or the nearest there is") {
  const Value object = service();
  CHECK(pointer_within(object, "spec.ports[1].port") == "/spec/ports/1/port");
  CHECK(pointer_within(object, "spec.ports[1].name") == "/spec/ports/1");
  CHECK(pointer_within(object, "spec.ports[7].name") == "/spec/ports");
  CHECK(pointer_within(object, "spec.ports[port=81,protocol=\"UDP\"].nam") == "/spec/ports/1");
  CHECK(pointer_within(object, "spec.ports[port=80,protocol=\"TCP\"]") == "/spec/ports/0");
  CHECK(pointer_within(object, "spec.ports[port=0,protocol=\"TCP\"].prot") == "/spec/ports");
  CHECK(pointer_within(object, "spec.list[=\"y\"]") == "/spec/list/1");
  CHECK(pointer_within(object, ".metadata.annotations.example.com/on") ==
        "/metadata/annotations/example.com~1on");
  CHECK(pointer_within(object, "metadata.annotations.a") == "/metadata/annotations/a");
  CHECK(pointer_within(object, "data[bad key]") == "/data/bad key");
  CHECK(pointer_within(object, "data[tls.crt]") == "/data/tls.crt");
  CHECK(pointer_within(object, "status.x").empty());
}

TEST_CASE("a member is taken out of an object") {
  Value object = service();
  CHECK(remove_member(object, "/metadata/annotations/example.com~1on"));
  CHECK(remove_member(object, "/spec/ports/1/protocol"));
  CHECK(remove_member(object, "/spec/ports/0"));
  CHECK_FALSE(remove_member(object, "/spec/ports/1"));
  CHECK_FALSE(remove_member(object, "/status/x"));
  CHECK_FALSE(remove_member(object, ""));
  CHECK(to_json(*object.find("spec")) == R"({"list":["x","y"],"ports":[{"port":81}]})");
  CHECK(to_json(*object.find("metadata")) == R"({"annotations":{"a":"2"}})");
}
