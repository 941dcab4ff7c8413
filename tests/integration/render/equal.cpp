// A kustomization of resources alone is read without kustomize: what comes out is what the real one makes of
// it.
#include "tests/integration/render/equal.h"

using namespace gitopsd;
using namespace gitopsd::test;

TEST_CASE("one file") {
  const std::vector<std::string> corpus = {
      kMap,
      kMap + "data: {x: z}\n# a comment\n",
      "# first\n---\n" + kMap + "---\n---\n# nothing\n---\n" + named("b") + "---\n",
      kMap + "...\n",
      kMap +
          "data:\n  block: |\n    a\n     b\n\n    c\n  folded: >-\n    d\n    e\n  keep: |+\n    f\n\n  "
          "last: z\n",
      kMap + "data:\n  plain: true\n  single: 'yes'\n  double: \"no\"\n  Yesterday: Once\n",
      kMap + "data: {a: 1, b: 1.0, c: 1e3, d: 0x1F, e: 0o17, f: 017, g: -0, h: .5, i: 1_000, j: 0b11}\n",
      kMap +
          "data: {a: 9223372036854775807, b: 9007199254740993, c: 1.25, d: '1.0', e: \"0123\", f: 1:30, g: "
          "'2001-01-01', h: 20010-1-1}\n",
      kMap + "data:\n  a: null\n  b: ~\n  c:\n  d: [Null]\n  e: ''\n  f: \"~\"\n  g:\n  -\n  - x\n",
      kMap + "data: {a: true, b: TRUE, c: 'true', d: False, e: 'y'}\n",
      kMap + "data: {list: [], map: {}, nested: [[1, [2]], {a: [b]}]}\n",
      kMap + "data:\n  long: " + std::string(300, 'x') + " " + std::string(300, 'y') + "\n",
      kMap +
          "data: {u: \"\\u00e9 \\U0001F600\", raw: é, tab: \"a\\tb\", quote: 'it''s', slash: \"a\\\\b\"}\n",
      kMap + "data: {'1': a, \"true\": b, 'a b': c, \"x: z\": d}\n",
      kMap + "data:\n  a: &x {k: v}\n  b: *x\n",
      kMap + "base: &x {k: v, l: 1}\ndata:\n  <<: *x\n  m: 2\n",
      kMap + "data: {script: \"#!/bin/sh\\necho '---'\\n\", text: \"a: b # c\"}\n",
      kMap + "data:\n  script: |\n    ---\n    echo\n    ---\n",
      "apiVersion: v1\r\nkind: ConfigMap\r\nmetadata:\r\n  name: a\r\ndata:\r\n  x: z\r\n",
      R"({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"x": "1", "y": 2}})",
      std::string("apiVersion: v1\nkind: List\nitems:\n- ") +
          R"({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}})" +
          "\n- {apiVersion: v1, kind: Secret, metadata: {name: b}}\n",
      std::string("apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleList\nitems:\n- ") +
          "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: a}}\n",
      kMap + "  annotations: {config.kubernetes.io/local-config: 'true'}\n---\n" + named("b"),
      kMap + "  annotations: {config.kubernetes.io/local-config: 'false'}\n---\n" + named("b"),
      named("b", "Service") + "---\n" + named("a", "Namespace") + "---\n" + named("c"),
      named("a", "Deployment") +
          "spec:\n  replicas: 3\n  template:\n    spec:\n      containers:\n      - name: c\n" +
          "        image: nginx:1.2\n        command: [\"sh\", -c, 'x']\n        ports: [{containerPort: "
          "80}]\n" +
          "        resources: {limits: {cpu: 500m, memory: 1Gi}}\nstatus: {}\n",
      named("a", "Secret") + "data: {k: aGVsbG8=}\nstringData: {l: '${VARIABLE}'}\n",
      // Refused by both.
      kMap + "data: {a: 1}\ndata: {b: 2}\n",
      "a: b: c\n",
      "- 1\n",
      "kind: ConfigMap\nmetadata: {name: a}\n",
      "apiVersion: v1\nmetadata: {name: a}\n",
      kMap + "\tdata: x\n",
      kMap + "data: *missing\n",
  };
  for (const auto& text : corpus) {
    CAPTURE(text);
    const bool json = text.starts_with("{");
    CHECK(check_equal({{json ? "app/x.json" : "app/x.yaml", text},
                       {"app/kustomization.yaml", json ? "resources: [x.json]" : "resources: [x.yaml]"}}));
  }
}

TEST_CASE("a file that kustomize takes for something else is left to it") {
  for (const auto* data :
       {"{a: yes}", "{a: n}", "{a: Off}", "{On: a}", "{a: 2001-01-01}", "{a: 2001-12-14t21:59:43.10-05:00}",
        "{a: , b: c}", "{1: a}", "{true: a}", "{a: !!binary aGVsbG8=}", "{a: !foo 1}", "{1.5: a}"}) {
    CAPTURE(data);
    CHECK(!check_equal(
        {{"app/x.yaml", kMap + "data: " + data + "\n"}, {"app/kustomization.yaml", "resources: [x.yaml]"}}));
  }
  CHECK(!check_equal({{"app/x.yaml", "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: a-}\n"},
                      {"app/kustomization.yaml", "resources: [x.yaml]"}}));
}

TEST_CASE("several files, folders and ways to name them") {
  check_equal(
      {{"app/kustomization.yaml", "resources:\n- z.yaml\n- a.yaml\n- sub\n- ../base/\n- ./deep/er.yaml\n"},
       {"app/z.yaml", named("z")},
       {"app/a.yaml", named("w") + "---\n" + named("x", "Secret")},
       {"app/sub/kustomization.yml", "resources: [s.yaml, ../../base/two]"},
       {"app/sub/s.yaml", named("s")},
       {"app/deep/er.yaml", named("deeper")},
       {"base/Kustomization",
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [b.yaml]\n"},
       {"base/b.yaml", named("b")},
       {"base/two/kustomization.yaml", "---\n# words\nresources: [t.txt]\n"},
       {"base/two/t.txt", named("t")}});
  check_equal(
      {{"app/kustomization.yaml", "resources: [../elsewhere/one.yaml]"}, {"elsewhere/one.yaml", named("a")}});
  CHECK(check_equal({{"app/kustomization.yaml", "resources: ['a b.yaml']"}, {"app/a b.yaml", named("a")}}));
}

TEST_CASE("what is not read without kustomize where it would not be the same") {
  for (const auto* text : {"resources: [a.yaml, a.yaml]", "resources: [a.yaml]\nunheard: of",
                           "resources: [a.yaml]\nkind: Kustomization\napiVersion: v1"}) {
    CAPTURE(text);
    const auto tree = tree_of({{"app/kustomization.yaml", text}, {"app/a.yaml", named("a")}});
    CHECK(!render::list_kustomization(tree, "app").plain);
    CHECK(by_kustomize(tree) == "refused");
  }
}
