#include "providers/kubernetes/policy.h"

#include <doctest/doctest.h>

#include "providers/kubernetes/propagation.h"
#include "providers/kubernetes/well_known.h"
#include "tests/unit/kubernetes/objects.h"

using namespace gitopsd;
using namespace gitopsd::kubernetes;

namespace {

Policy good_policy(const std::string& yaml) {
  std::vector<protocol::WireProblem> problems;
  auto policy = Policy::parse(object_of(yaml), problems);
  REQUIRE(problems.empty());
  return policy;
}

std::vector<std::string> wrong_members(const std::string& yaml) {
  std::vector<protocol::WireProblem> problems;
  Policy::parse(object_of(yaml), problems);
  std::vector<std::string> out;
  for (const auto& problem : problems) out.push_back(problem.pointer);
  return out;
}

}  // namespace

TEST_CASE("without a policy nothing is allowed") {
  const auto policy = good_policy("{}");
  CHECK(policy.breach({{"", "ConfigMap"}, "web", "a"}, true));
  CHECK(policy.breach({{"", "Namespace"}, "", "web"}, false));
}

TEST_CASE("namespaces and kinds, by name or beginning") {
  const auto policy =
      good_policy("{namespaces: ['team-*', web], kinds: [ConfigMap, 'Deploy*'], clusterKinds: [Namespace]}");
  CHECK(policy.default_namespace() == "web");
  CHECK_FALSE(policy.breach({{"", "ConfigMap"}, "web", "a"}, true));
  CHECK_FALSE(policy.breach({{"apps", "Deployment"}, "team-1", "a"}, true));
  CHECK_FALSE(policy.breach({{"", "Namespace"}, "", "web"}, false));
  const auto space = policy.breach({{"", "ConfigMap"}, "web-2", "a"}, true);
  REQUIRE(space);
  CHECK(space->pointer == "/metadata/namespace");
  const auto kind = policy.breach({{"", "Secret"}, "web", "a"}, true);
  REQUIRE(kind);
  CHECK(kind->pointer == "/kind");
  CHECK(policy.breach({{"rbac.authorization.k8s.io", "ClusterRole"}, "", "a"}, false));
}

TEST_CASE("kinds that cannot be meant are told, with what was") {
  std::vector<protocol::WireProblem> problems;
  Policy::parse(
      object_of("{kinds: [Pod, deployment, ClusterRole.rbac.authorization.k8s.io, configmaps, Deployment, "
                "Gizmo.example.com, '*', 'gi*'], clusterKinds: [Namspace, Deployment.apps, Gizmo, Secret, "
                "Node, Gizmo.example.com]}"),
      problems);
  std::string told;
  for (const auto& problem : problems)
    told += problem.pointer + " " + problem.message + " (" + problem.hint + ")\n";
  CHECK(told ==
        "/kinds/1 `kinds`: 'deployment' is no kind (did you mean `Deployment.apps`?)\n"
        "/kinds/2 `kinds`: ClusterRole.rbac.authorization.k8s.io lives outside of namespaces (name it in "
        "`clusterKinds`)\n"
        "/kinds/3 `kinds`: 'configmaps' is no kind (did you mean `ConfigMap`?)\n"
        "/kinds/4 `kinds`: there is no kind Deployment without a group (did you mean `Deployment.apps`?)\n"
        "/clusterKinds/0 `clusterKinds`: there is no kind Namspace without a group (did you mean "
        "`Namespace`?)\n"
        "/clusterKinds/1 `clusterKinds`: Deployment.apps lives in namespaces (`kinds` may name it; "
        "`clusterKinds` "
        "is for what does not)\n"
        "/clusterKinds/2 `clusterKinds`: there is no kind Gizmo without a group (kinds are written as in "
        "manifests, with their group, such as Deployment.apps; only those of v1 have none)\n"
        "/clusterKinds/3 `clusterKinds`: Secret lives in namespaces (`kinds` may name it; `clusterKinds` is "
        "for "
        "what does not)\n");
}

TEST_CASE("a definition's kind is the same with its group and without") {
  const Id id{definition_kind(), "", "gizmos.example.com"};
  for (const char* kind : {"CustomResourceDefinition", "CustomResourceDefinition.apiextensions.k8s.io"})
    CHECK_FALSE(good_policy(std::string("{clusterKinds: [") + kind + "]}").breach(id, false));
}

TEST_CASE("of namespaces only those that are named") {
  for (const char* kinds : {"[Namespace]", "['*']", "['Name*']"}) {
    const auto policy =
        good_policy(std::string("{namespaces: [web, 'team-*'], clusterKinds: ") + kinds + "}");
    CHECK_FALSE(policy.breach({{"", "Namespace"}, "", "web"}, false));
    CHECK_FALSE(policy.breach({{"", "Namespace"}, "", "team-1"}, false));
    const auto breach = policy.breach({{"", "Namespace"}, "", "kube-system"}, false);
    REQUIRE(breach);
    CHECK(breach->pointer == "/metadata/name");
    CHECK(breach->message == "namespace 'kube-system' is none of those that the policy allows: web, team-*");
  }
  CHECK(good_policy("{clusterKinds: [Namespace]}").breach({{"", "Namespace"}, "", "web"}, false));
  // The kind of another group is no namespace.
  CHECK_FALSE(good_policy("{clusterKinds: ['*']}").breach({{"example.com", "Namespace"}, "", "x"}, false));
}

TEST_CASE("whom to act as") {
  const auto headers = good_policy("{as: {user: web, groups: [a, b]}}").headers();
  REQUIRE(headers.size() == 3);
  CHECK(headers[0] == std::pair<std::string, std::string>("Impersonate-User", "web"));
  CHECK(headers[2] == std::pair<std::string, std::string>("Impersonate-Group", "b"));
  CHECK(good_policy("{}").headers().empty());
}

TEST_CASE("how deletions go on is said by the object, and else by the policy") {
  const auto of = [](const char* annotations, const char* policy) {
    return propagation_of(object_of(std::string("{metadata: {annotations: ") + annotations + "}}"),
                          good_policy(policy));
  };
  CHECK(of("{}", "{}") == "Background");
  CHECK(of("{}", "{propagation: foreground}") == "Foreground");
  CHECK(of("{gitopsd.io/propagation: orphan}", "{propagation: foreground}") == "Orphan");
  const char* argo =
      "{argocd.argoproj.io/sync-options: 'Prune=confirm,PrunePropagationPolicy=orphan, PruneLast=true'}";
  CHECK(of(argo, "{propagation: foreground}") == "Orphan");
  CHECK(of("{argocd.argoproj.io/sync-options: PrunePropagationPolicy=foreground, "
           "gitopsd.io/propagation: background}",
           "{}") == "Background");
  CHECK(of("{gitopsd.io/propagation: no word}", "{}") == "Background");
}

TEST_CASE("every mistake is told, with its member") {
  CHECK(wrong_members("{namespaces: web, kinds: [5], conflicts: ignore, as: {}}") ==
        std::vector<std::string>{"/namespaces", "/kinds/0", "/conflicts", "/as"});
  CHECK(wrong_members("{namespacez: [web]}") == std::vector<std::string>{"/namespacez"});
  CHECK(wrong_members("{propagation: Foreground, ignore: [{name: x}]}") ==
        std::vector<std::string>{"/propagation", "/ignore/0"});
  CHECK(wrong_members("[web]") == std::vector<std::string>{""});
  CHECK(wrong_members("{as: {user: \"a\\nX-Other: b\"}}") == std::vector<std::string>{"/as/user"});
  CHECK(wrong_members("{as: {user: a, groups: [b, \"c\\rd\"]}}") == std::vector<std::string>{"/as/groups/1"});
}

TEST_CASE("what goes with all that others have in it is said by name") {
  const GroupKind space{"", "Namespace"}, definition{"apiextensions.k8s.io", "CustomResourceDefinition"};
  CHECK_FALSE(good_policy("{}").deletes_foreign(space));
  CHECK(good_policy("{deleteForeign: [Namespace]}").deletes_foreign(space));
  CHECK_FALSE(good_policy("{deleteForeign: [Namespace]}").deletes_foreign(definition));
  for (const char* name : {"CustomResourceDefinition", "CustomResourceDefinition.apiextensions.k8s.io"}) {
    const auto policy = good_policy(std::string("{deleteForeign: [") + name + "]}");
    CHECK(policy.deletes_foreign(definition));
    CHECK_FALSE(policy.deletes_foreign(space));
  }
  CHECK(wrong_members("{deleteForeign: [Namespace, Secret]}") ==
        std::vector<std::string>{"/deleteForeign/1"});
  CHECK(wrong_members("{deleteForeign: true}") == std::vector<std::string>{"/deleteForeign"});
}
