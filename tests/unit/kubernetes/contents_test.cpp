#include "providers/kubernetes/contents.h"

#include <doctest/doctest.h>

#include "tests/unit/kubernetes/objects.h"

using namespace gitopsd;
using namespace gitopsd::kubernetes;

namespace {

/// The metadata of an object of namespace shop, whose uid is its name.
Value held(const std::string& name, const std::string& more = "") {
  return object_of("{metadata: {namespace: shop, name: " + name + ", uid: " + name + more + "}}");
}

std::string owned_by(const std::string& kind, const std::string& uid) {
  return ", ownerReferences: [{apiVersion: apps/v1, kind: " + kind + ", name: x, uid: " + uid + "}]";
}

/// Of a namespace of which every kind but Tenant was listed.
Contents judged(const std::vector<std::pair<std::string, Value>>& objects,
                const std::set<std::string>& going = {}) {
  ContentsJudge judge(going);
  for (const auto& [type, object] : objects) judge.take(GroupKind::parse(type), object);
  return judge.judge([](const GroupKind& type) { return type.kind != "Tenant"; });
}

using Ids = std::vector<std::string>;

}  // namespace

TEST_CASE("what a namespace holds and nobody asked to delete") {
  const std::set<std::string> going{"web"};
  CHECK(judged({{"Deployment.apps", held("web")}}, going).none());
  CHECK(judged({{"Deployment.apps", held("web")}, {"ConfigMap", held("other")}}, going).ids ==
        Ids{"ConfigMap/shop/other"});
  SUBCASE("our own mark alone spares nothing: it may be never pruned, or still be declared") {
    const std::string mark = ", annotations: {gitopsd.io/tracking-id: here/web/ConfigMap/shop/kept}";
    CHECK(judged({{"ConfigMap", held("kept", mark)}}, going).ids == Ids{"ConfigMap/shop/kept"});
  }
  SUBCASE("what goes anyway is not counted among the most that are looked at") {
    ContentsJudge judge(going);
    judge.take({"apps", "Deployment"}, held("web"));
    CHECK(judge.size() == 0);
  }
  SUBCASE("what is being deleted goes anyway") {
    CHECK(judged({{"ConfigMap", held("going", ", deletionTimestamp: '2026-01-01T00:00:00Z'")}}).none());
  }
  SUBCASE("an object of an old group and a new one is one") {
    CHECK(judged({{"Ingress.extensions", held("a")}, {"Ingress.networking.k8s.io", held("a")}}).count == 1);
  }
}

TEST_CASE("what others own in a namespace is told by its owner") {
  const std::vector<std::pair<std::string, Value>> tree{
      {"Deployment.apps", held("web")},
      {"ReplicaSet.apps", held("web-1", owned_by("Deployment", "web"))},
      {"Pod", held("web-1-a", owned_by("ReplicaSet", "web-1"))}};
  CHECK(judged(tree).ids == Ids{"Deployment.apps/shop/web"});
  CHECK(judged(tree, {"web"}).none());
  SUBCASE("nothing of it is left: it is about to be collected") {
    CHECK(judged({{"ReplicaSet.apps", held("web-1", owned_by("Deployment", "web"))}}).none());
  }
  SUBCASE("its owner lives elsewhere") {
    const auto object = held("a", owned_by("Tenant", "t"));
    CHECK(judged({{"Secret", object}}).ids == Ids{"Secret/shop/a"});
    CHECK(judged({{"Secret", object}}, {"t"}).none());
  }
}

TEST_CASE("what the system keeps in a namespace is no loss") {
  CHECK(judged({{"ConfigMap", held("kube-root-ca.crt")},
                {"ServiceAccount", held("default")},
                {"Secret", held("token", ", annotations: {kubernetes.io/service-account.uid: default}")},
                {"RoleBinding.rbac.authorization.k8s.io", held("'system:deployers'")},
                {"ConfigMap", held("lock", ", annotations: {control-plane.alpha.kubernetes.io/leader: x}")}})
            .none());
  CHECK(judged({{"ServiceAccount", held("builder")}}).count == 1);
  CHECK(judged({{"Secret", held("default")}}).count == 1);
  CHECK(is_fleeting({"coordination.k8s.io", "Lease"}));
  CHECK_FALSE(is_fleeting({"", "Secret"}));
}

TEST_CASE("contents are told in one line") {
  Contents contents;
  CHECK(contents.text().empty());
  contents.unknown = "cannot list Stall.example.com";
  CHECK_FALSE(contents.none());
  CHECK(contents.text() == "nobody can say what it holds: cannot list Stall.example.com");
  contents.ids = {"ConfigMap/shop/a", "ConfigMap/shop/b", "ConfigMap/shop/c",
                  "ConfigMap/shop/d", "ConfigMap/shop/e", "ConfigMap/shop/f"};
  contents.count = 7;
  CHECK(
      contents.text() ==
      "it holds 7 objects that nobody asked to delete: ConfigMap/shop/a, ConfigMap/shop/b, ConfigMap/shop/c, "
      "ConfigMap/shop/d, ConfigMap/shop/e and 2 more; nobody can say what else: cannot list "
      "Stall.example.com");
  contents.hint = "give gitopsd's user the verb `list` on stalls.example.com";
  CHECK(contents.way_out({"", "Namespace"}) ==
        "give gitopsd's user the verb `list` on stalls.example.com, or let `deleteForeign: [Namespace]` in "
        "the application's policy delete it with everything in it");
}

TEST_CASE("contents that grew since are others") {
  Contents contents{{"a", "c"}, 2, {}, {}};
  CHECK_FALSE(contents.has_more_than({"a", "b", "c"}));
  CHECK(contents.has_more_than({"a", "b"}));
  CHECK(contents.has_more_than({}));
}
