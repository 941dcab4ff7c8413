#include "providers/kubernetes/fields_diff.h"

#include <doctest/doctest.h>

#include "tests/unit/kubernetes/objects.h"

using namespace gitopsd;
using namespace gitopsd::kubernetes;

TEST_CASE("a diff names each field that differs, list items by their keys") {
  const Value before =
      object_of("{spec: {replicas: 1, containers: [{name: a, image: x:1}, {name: b, image: y}]}}");
  const Value after =
      object_of("{spec: {replicas: 2, containers: [{name: a, image: x:2}, {name: b, image: y}]}}");
  CHECK(fields_diff(before, after, false) ==
        "- spec.containers[a].image: x:1\n+ spec.containers[a].image: x:2\n- spec.replicas: 1\n+ "
        "spec.replicas: 2\n");
  CHECK(changed_paths(before, after) == "spec.containers[a].image, spec.replicas");
  CHECK(differs(before, after));
}

TEST_CASE("another order of a list is a difference of its own") {
  const Value before = object_of("{env: [{name: A}, {name: B}]}"),
              after = object_of("{env: [{name: B}, {name: A}]}");
  CHECK(changed_paths(before, after) == "env (order)");
}

TEST_CASE("what the server keeps, and null beside nothing, is no difference") {
  CHECK_FALSE(differs(object_of("{metadata: {name: a, uid: x, generation: 1}, status: {a: 1}}"),
                      object_of("{metadata: {name: a, resourceVersion: '2'}, spec: null}")));
}

TEST_CASE("values of a Secret are not shown, that they change is") {
  const Value before = object_of("{data: {a: b2xk, b: c2FtZQ==}, type: Opaque}");
  const Value after = object_of("{data: {a: bmV3, b: c2FtZQ==, c: bW9yZQ==}, type: Other}");
  CHECK(
      fields_diff(before, after, true) ==
      "- data.a: (not shown)\n+ data.a: (not shown)\n+ data.c: (not shown)\n- type: Opaque\n+ type: Other\n");
}

TEST_CASE("long texts and long lists of changes are cut") {
  const Value before = object_of("{data: {}}");
  Value after = before;
  after.as_object().at("data").set("long", std::string(5000, 'x'));
  CHECK(fields_diff(before, after, false).size() < 1200);
  for (int i = 0; i < 9; ++i) after.as_object().at("data").set("k" + std::to_string(i), 1);
  CHECK(changed_paths(before, after).find("and 5 more") != std::string::npos);
}
