#include "providers/kubernetes/manifest.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/json.h"
#include "providers/kubernetes/order.h"
#include "tests/unit/kubernetes/objects.h"

using namespace gitopsd;
using namespace gitopsd::kubernetes;

namespace {

Kinds served() {
  Kinds kinds;
  const auto add = [&](const char* group, const char* kind, const char* plural, bool namespaced) {
    kinds.add({group, kind}, {plural, namespaced, true, {"v1"}});
  };
  add("", "ConfigMap", "configmaps", true);
  add("", "Secret", "secrets", true);
  add("", "Namespace", "namespaces", false);
  add("apps", "Deployment", "deployments", true);
  add("storage.k8s.io", "StorageClass", "storageclasses", false);
  add("rbac.authorization.k8s.io", "ClusterRole", "clusterroles", false);
  return kinds;
}

struct ReadManifest {
  std::optional<Manifest> manifest;
  std::vector<protocol::WireProblem> problems;
};

ReadManifest read_yaml(const std::string& yaml,
                       const std::string& policy =
                           "{namespaces: [web, 'team-*'], "
                           "clusterKinds: [Namespace]}",
                       const Value& defaults = Value()) {
  ReadManifest out;
  const auto rights = Policy::parse(object_of(policy), out.problems);
  protocol::Document document;
  document.digest = "d";
  document.json = object_of(yaml);
  out.manifest = read_manifest(document, defaults, rights, served(), Kinds(), out.problems);
  return out;
}

/// Where the only problem is.
std::string refused_at(const std::string& yaml) {
  const auto read = read_yaml(yaml);
  CHECK_FALSE(read.manifest);
  REQUIRE(read.problems.size() == 1);
  CHECK(read.problems[0].document == "d");
  return read.problems[0].pointer;
}

}  // namespace

TEST_CASE("a document that is refused says what it would declare, where it says that itself") {
  std::vector<protocol::WireProblem> problems;
  const auto policy = Policy::parse(object_of("{namespaces: [web]}"), problems);
  const auto meant = [&](const std::string& yaml) {
    const auto id = id_meant(object_of(yaml), policy, served(), Kinds());
    return id ? id->str() : "";
  };
  CHECK(meant("{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: b}, data: {x: '?'}}") ==
        "Secret/b/a");
  CHECK(meant("{apiVersion: v1, kind: Secret, metadata: {name: a}}") == "Secret/web/a");
  CHECK(meant("{apiVersion: v1, kind: Namespace, metadata: {name: a, namespace: b}}") == "Namespace/a");
  for (const auto* yaml : {"{apiVersion: v1, kind: Secret, metadata: {generateName: a}}", "{kind: Secret}",
                           "{apiVersion: v1, kind: Other, metadata: {name: a}}",
                           "{apiVersion: v1, kind: Secret, metadata: {name: a/b}}",
                           "{apiVersion: v1, kind: [Secret], metadata: {name: a}}"})
    CHECK(meant(yaml) == "");
}

TEST_CASE("a manifest gets its namespace, and loses what is the server's") {
  const auto read = read_yaml(
      "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, uid: x, selfLink: /a, creationTimestamp: null, "
      "resourceVersion: '1', managedFields: []}, data: {k: v}, status: {}}");
  REQUIRE(read.manifest);
  CHECK(read.manifest->id.str() == "ConfigMap/web/a");
  CHECK(read.manifest->path() == "/api/v1/namespaces/web/configmaps/a");
  CHECK(
      to_json(read.manifest->object) ==
      R"({"apiVersion":"v1","data":{"k":"v"},"kind":"ConfigMap","metadata":{"name":"a","namespace":"web"}})");
}

TEST_CASE("each mistake points at its member") {
  CHECK(refused_at("{apiVersion: v1, kind: ConfigMap}").empty());
  CHECK(refused_at("{apiVersion: v1, kind: ConfigMap, metadata: {generateName: a-}}") == "/metadata");
  CHECK(refused_at("{apiVersion: v1, kind: ConfigMap, metadata: {name: 5}}") == "/metadata/name");
  CHECK(refused_at("{apiVersion: v1, kind: ConfigMap, metadata: {name: a/b}}") == "/metadata/name");
  CHECK(refused_at("{apiVersion: v2, kind: ConfigMap, metadata: {name: a}}") == "/apiVersion");
  CHECK(refused_at("{apiVersion: v1, kind: ConfigMapp, metadata: {name: a}}") == "/kind");
  CHECK(refused_at("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {x: true}}}") ==
        "/metadata/labels/x");
  CHECK(refused_at("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: kube-system}}") ==
        "/metadata/namespace");
  CHECK(refused_at("{apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {x: 5}}") ==
        "/stringData/x");
  CHECK(refused_at("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, annotations: "
                   "{gitopsd.io/sync-wave: soon}}}") == "/metadata/annotations/gitopsd.io~1sync-wave");
}

TEST_CASE("stringData becomes data, and wins over it") {
  const auto read = read_yaml(
      "{apiVersion: v1, kind: Secret, metadata: {name: a}, data: {x: b2xk, z: eQ==}, stringData: {x: new}}");
  REQUIRE(read.manifest);
  CHECK(read.manifest->secret());
  CHECK(to_json(*read.manifest->object.find("data")) == R"({"x":"bmV3","z":"eQ=="})");
  CHECK_FALSE(read.manifest->object.find("stringData"));
}

TEST_CASE("annotations of ours, Argo CD's, Flux's and Helm's set options; ours win") {
  using protocol::ApplyMode;
  using protocol::Prune;
  const auto options = [](const std::string& annotations, const Value& defaults = Value()) {
    const auto read =
        read_yaml("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, annotations: " + annotations + "}}",
                  "{namespaces: [web]}", defaults);
    REQUIRE(read.manifest);
    return read.manifest->options;
  };
  CHECK(options("{}").prune == Prune::automatic);
  CHECK(options("{gitopsd.io/prune: never}").prune == Prune::never);
  CHECK(options("{argocd.argoproj.io/sync-options: 'Replace=true, Prune=false'}").prune == Prune::never);
  CHECK(options("{argocd.argoproj.io/sync-options: 'Replace=true, Prune=false'}").apply ==
        ApplyMode::replace);
  CHECK(options("{argocd.argoproj.io/sync-options: Prune=confirm}").prune == Prune::confirm);
  CHECK(options("{kustomize.toolkit.fluxcd.io/prune: disabled}").prune == Prune::never);
  CHECK(options("{kustomize.toolkit.fluxcd.io/ssa: IfNotPresent}").apply == ApplyMode::create_only);
  CHECK(options("{helm.sh/resource-policy: keep}").prune == Prune::never);
  CHECK(options("{helm.sh/resource-policy: keep, gitopsd.io/prune: auto}").prune == Prune::automatic);
  CHECK(options("{}", object_of("{prune: never}")).prune == Prune::never);
  CHECK(options("{gitopsd.io/prune: confirm}", object_of("{prune: never}")).prune == Prune::confirm);
}

TEST_CASE("an applied body is marked, and escaped for the server's YAML reader") {
  const auto read = read_yaml(
      R"({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "\u0085\u007f\u2028\uFFFE\U0001f600"}})");
  REQUIRE(read.manifest);
  const std::string body = apply_body(*read.manifest, {"here", "web"}, "7");
  CHECK(body.find(R"(\u0085\u007f\u2028\ufffe)"
                  "\xf0\x9f\x98\x80") != std::string::npos);
  const Value object = parse_json(body, "body");
  CHECK(object.at_pointer("/metadata/annotations/gitopsd.io~1tracking-id")->as_string() ==
        "here/web/ConfigMap/web/a");
  CHECK(object.at_pointer("/metadata/resourceVersion")->as_string() == "7");
  const auto owner = owner_of(object, read.manifest->id);
  REQUIRE(owner);
  CHECK(owner->application == "web");
  Id copy = read.manifest->id;
  copy.name = "copy";
  CHECK_FALSE(owner_of(object, copy));
}

TEST_CASE("namespaces first, then kinds, then what others need, then workloads; removals in reverse") {
  const auto wave = [](const std::string& yaml) {
    const auto read = read_yaml(yaml);
    REQUIRE(read.manifest);
    return wave_of(*read.manifest);
  };
  const int space = wave("{apiVersion: v1, kind: Namespace, metadata: {name: web}}");
  const int settings = wave("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}");
  const int workload = wave("{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}}");
  const int early = wave(
      "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, annotations: "
      "{argocd.argoproj.io/sync-wave: '-1'}}}");
  const int late = wave(
      "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, annotations: {gitopsd.io/sync-wave: '1'}}}");
  CHECK(early < space);
  CHECK(space < settings);
  CHECK(settings < workload);
  CHECK(workload < late);
  CHECK(removal_wave({"apps", "Deployment"}) > late);
  CHECK(removal_wave({"apps", "Deployment"}) < removal_wave({"", "ConfigMap"}));
  CHECK(removal_wave({"", "ConfigMap"}) < removal_wave({"", "Namespace"}));
  CHECK(holds_data({"", "Namespace"}));
  CHECK_FALSE(holds_data({"", "ConfigMap"}));
}

TEST_CASE("a hook has its weight as its wave, and a name of its own where it leaves that to us") {
  const auto named = [](const std::string& name, const std::string& annotations) {
    return read_yaml("{apiVersion: v1, kind: ConfigMap, metadata: {" + name +
                     ", namespace: web, annotations: {" + annotations + "}}}");
  };
  const auto weighed = named("name: a", "helm.sh/hook: pre-install, helm.sh/hook-weight: '-3'");
  REQUIRE(weighed.manifest);
  CHECK(weighed.manifest->wave == -3);
  CHECK(weighed.manifest->options.drift == protocol::Drift::ignore);
  const auto both = named(
      "name: a", "helm.sh/hook: pre-install, helm.sh/hook-weight: '1', argocd.argoproj.io/sync-wave: '2'");
  CHECK(both.manifest->wave == 2);
  const auto made = named("generateName: a-", "argocd.argoproj.io/hook: PreSync");
  REQUIRE(made.manifest);
  CHECK(made.manifest->id.name.size() == 12);
  CHECK(made.manifest->id.name ==
        named("generateName: a-", "argocd.argoproj.io/hook: PreSync").manifest->id.name);
  CHECK(made.manifest->object.at_pointer("/metadata/name")->as_string() == made.manifest->id.name);
  CHECK(made.manifest->object.at_pointer("/metadata/generateName") == nullptr);
  CHECK(refused_at("{apiVersion: v1, kind: ConfigMap, metadata: {generateName: a-, namespace: web}}") ==
        "/metadata");
}

TEST_CASE("the rules of an aggregated ClusterRole are its controller's") {
  const std::string begin =
      "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: r}, ";
  const std::string policy = "{clusterKinds: ['*']}";
  const auto aggregated = read_yaml(
      begin + "aggregationRule: {clusterRoleSelectors: [{matchLabels: {a: b}}]}, rules: []}", policy);
  REQUIRE(aggregated.manifest);
  CHECK_FALSE(aggregated.manifest->object.find("rules"));
  CHECK(aggregated.manifest->object.find("aggregationRule"));
  for (const char* plain : {"rules: []}", "aggregationRule: null, rules: []}"}) {
    const auto read = read_yaml(begin + plain, policy);
    REQUIRE(read.manifest);
    CHECK(read.manifest->object.find("rules"));
  }
}

TEST_CASE("a misspelt annotation is an error at its line") {
  CHECK(refused_at("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, annotations: {gitopsd.io/drft: "
                   "ignore}}}") == "/metadata/annotations/gitopsd.io~1drft");
}

TEST_CASE("all that is wrong in the metadata of an object is told at once") {
  const auto read = read_yaml(
      "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {l: 5}, annotations: "
      "{gitopsd.io/sync-wave: one, "
      "gitopsd.io/prune: 'no', gitopsd.io/hook: presync, gitopsd.io/hook-delete-policy: failedd, num: 5, "
      "argocd.argoproj.io/sync-options: 'Prun=false,Replace=yes'}}}");
  CHECK_FALSE(read.manifest);
  std::vector<std::string> told;
  for (const auto& problem : read.problems)
    told.push_back(problem.pointer.substr(problem.pointer.find_last_of("1/") + 1));
  std::sort(told.begin(), told.end());
  std::string all;
  for (const auto& each : told) all += each + " ";
  CHECK(all == "hook hook-delete-policy l num prune sync-options sync-options sync-wave ");
}

TEST_CASE("a value that is no base64, and a file that SOPS encrypted, are told where they stand") {
  const auto secret = [](const std::string& data) {
    return "{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: web}, " + data + "}";
  };
  CHECK(refused_at(secret("data: {good: aGk=, a/b: 'not base64!'}")) == "/data/a~1b");
  CHECK(read_yaml(secret("data: {lines: \"aGVs\\nbG8=\\n\", none: null, empty: ''}")).manifest);
  CHECK(refused_at("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: web}, data: {t: 'a!'}, "
                   "binaryData: {b: 'a!'}}") == "/binaryData/b");
  CHECK(refused_at(secret("data: {pw: 'ENC[AES256_GCM,data:x]'}, sops: {mac: m, version: 3.9.0}")) ==
        "/sops");
}
