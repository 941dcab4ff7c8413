#include "providers/kubernetes/identity.h"

#include <doctest/doctest.h>

#include "providers/kubernetes/discovery.h"
#include "tests/unit/kubernetes/objects.h"

using namespace gitopsd;
using namespace gitopsd::kubernetes;

TEST_CASE("an id comes back from its text, with and without group and namespace") {
  const Id ids[] = {{{"apps", "Deployment"}, "web", "front"},
                    {{"", "ConfigMap"}, "web", "a"},
                    {{"", "Namespace"}, "", "web"},
                    {{"rbac.authorization.k8s.io", "ClusterRole"}, "", "system:admin"}};
  for (const Id& id : ids) CHECK(Id::parse(id.str()) == id);
  CHECK(ids[0].str() == "Deployment.apps/web/front");
  CHECK(ids[2].str() == "Namespace/web");
}

TEST_CASE("what is no id") {
  for (const char* text : {"", "ConfigMap", "/a", "ConfigMap/", "ConfigMap//a", "ConfigMap/a/b/c"})
    CHECK_FALSE(Id::parse(text));
}

TEST_CASE("API versions with and without a group") {
  CHECK(ApiVersion::parse("apps/v1").group == "apps");
  CHECK(ApiVersion::parse("apps/v1").version == "v1");
  CHECK(ApiVersion::parse("v1").group.empty());
  CHECK(ApiVersion::parse("v1").version == "v1");
}

TEST_CASE("kinds come from aggregated discovery, in the server's order of versions") {
  Kinds kinds;
  kinds.add(object_of(R"({items: [{metadata: {name: apps}, versions: [
    {version: v1, resources: [
      {resource: deployments, responseKind: {group: apps, version: v1, kind: Deployment}, scope: Namespaced,
       verbs: [get, list, watch, patch]},
      {resource: tokens, responseKind: {group: apps, version: v1, kind: Token}, scope: Namespaced, verbs: [create]}]},
    {version: v1beta1, resources: [
      {resource: deployments, responseKind: {group: apps, version: v1beta1, kind: Deployment}, scope: Namespaced,
       verbs: [get]}]}]}]})"));
  kinds.add(object_of(R"({items: [{metadata: {}, versions: [{version: v1, resources: [
    {resource: nodes, responseKind: {kind: Node}, scope: Cluster, verbs: [get, list]}]}]}]})"));
  const KindInfo* deployment = kinds.find({"apps", "Deployment"});
  REQUIRE(deployment);
  CHECK(deployment->versions == std::vector<std::string>{"v1", "v1beta1"});
  CHECK(deployment->namespaced);
  CHECK(deployment->watchable);
  const KindInfo* node = kinds.find({"", "Node"});
  REQUIRE(node);
  CHECK_FALSE(node->namespaced);
  CHECK_FALSE(node->watchable);
  CHECK_FALSE(kinds.find({"apps", "Token"}));  // cannot be read
  CHECK_FALSE(kinds.find({"", "Deployment"}));
  CHECK(path_of(*deployment, {"apps", "Deployment"}, "v1", "web", "front") ==
        "/apis/apps/v1/namespaces/web/deployments/front");
  CHECK(path_of(*deployment, {"apps", "Deployment"}, "v1", "", "") == "/apis/apps/v1/deployments");
  CHECK(path_of(*node, {"", "Node"}, "v1", "", "a") == "/api/v1/nodes/a");
}

TEST_CASE("names are escaped as one segment of a path") {
  CHECK(escape("system:a b/c%") == "system%3Aa%20b%2Fc%25");
  CHECK(escape("a-b.c_d~1") == "a-b.c_d~1");
  CHECK(escape("\xc3\xa9") == "%C3%A9");
}
