#include "providers/kubernetes/discovery.h"

#include <doctest/doctest.h>

#include "base/json.h"
#include "providers/kubernetes/capabilities.h"

using namespace gitopsd;
using namespace gitopsd::kubernetes;

namespace {

std::string discovered_resource(const std::string& kind, const std::string& plural) {
  return R"({"resource":")" + plural + R"(","responseKind":{"group":"","version":"","kind":")" + kind +
         R"("},"scope":"Namespaced","verbs":["get","watch"]})";
}

Value discovered_group(const std::string& name, const std::string& versions) {
  return parse_json(R"({"items":[{"metadata":{"name":")" + name + R"("},"versions":[)" + versions + "]}]}",
                    "test");
}

std::string discovered_version(const std::string& version, const std::string& freshness,
                               const std::string& resources) {
  return R"({"version":")" + version + R"(","freshness":")" + freshness + R"(","resources":[)" + resources +
         "]}";
}

}  // namespace

TEST_CASE("charts know every version and every kind in it") {
  Kinds kinds;
  kinds.add(discovered_group("", discovered_version("v1", "Current", discovered_resource("Pod", "pods"))));
  kinds.add(discovered_group(
      "apps", discovered_version("v1", "Current", discovered_resource("Deployment", "deployments"))));
  const Value known = capabilities_of("v1.34.3", kinds);
  CHECK(to_json(known) ==
        R"({"apiVersions":["apps/v1","apps/v1/Deployment","v1","v1/Pod"],"kubeVersion":"v1.34.3"})");
  Kinds more = kinds;
  more.add(discovered_group("shop.example.com",
                            discovered_version("v1", "Current", discovered_resource("Stall", "stalls"))));
  CHECK(Capabilities::digest_of(capabilities_of("v1.34.3", kinds)) == Capabilities::digest_of(known));
  CHECK(Capabilities::digest_of(capabilities_of("v1.34.3", more)) != Capabilities::digest_of(known));
  CHECK(Capabilities::digest_of(capabilities_of("v1.35.0", kinds)) != Capabilities::digest_of(known));
}

TEST_CASE("an extension that does not answer takes no kinds away") {
  const auto metrics = discovered_resource("PodMetrics", "pods");
  const GroupKind kind{"metrics.k8s.io", "PodMetrics"};
  Kinds before;
  before.add(discovered_group("metrics.k8s.io", discovered_version("v1beta1", "Current", metrics) + "," +
                                                    discovered_version("v1alpha1", "Current", metrics)));
  SUBCASE("nothing is known of it now") {
    Kinds now;
    now.add(discovered_group("metrics.k8s.io", discovered_version("v1beta1", "Stale", "")));
    CHECK(now.find(kind) == nullptr);
    now.keep_stale(before);
    REQUIRE(now.find(kind) != nullptr);
    CHECK(now.find(kind)->versions == std::vector<std::string>{"v1beta1"});
    CHECK(now.find(kind)->plural == "pods");
  }
  SUBCASE("the server remembers it") {
    Kinds now;
    now.add(discovered_group(
        "metrics.k8s.io",
        discovered_version("v1beta1", "Stale", discovered_resource("NodeMetrics", "nodes"))));
    now.keep_stale(before);
    CHECK(now.find(kind) == nullptr);
    CHECK(now.find({"metrics.k8s.io", "NodeMetrics"}) != nullptr);
  }
  SUBCASE("it was removed") {
    Kinds now;
    now.keep_stale(before);
    CHECK(now.empty());
  }
}
