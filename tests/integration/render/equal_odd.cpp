// Kustomizations and manifests that are written otherwise than usual: read without kustomize they mean what
// they mean to it, or they are left to it.
#include "tests/integration/render/equal.h"

using  // NOLINTBEGIN(bugprone-suspicious-missing-comma): long lines of the corpus are written in two pieces
    namespace gitopsd;
using namespace gitopsd::test;

namespace {

/// A small generator of the same texts on every machine.
class Draw {
 public:
  explicit Draw(unsigned seed) : state_(seed) {}
  unsigned operator()(unsigned n) {
    state_ = state_ * 1664525u + 1013904223u;
    return (state_ >> 10) % n;
  }

 private:
  unsigned state_;
};

std::string without(const std::string& text, std::string_view bad) {
  std::string out;
  for (const char c : text)
    if (bad.find(c) == bad.npos) out += c;
  return out;
}

/// One member with a text of several lines: a block, in quotes, or plain.
std::string member(Draw& draw, int number) {
  static const std::vector<std::string> heads = {"|",  ">",  "|-", ">-", "|+", ">+",
                                                 "|2", ">2", "'",  "\"", "",   ""};
  static const std::vector<std::string> words = {"a", "b c", "\"d\"", "'e'",  "#f",   "- g", "x: y", "1",
                                                 "~", " ",   "",      "\\",   "|",    ">",   "*",    "&",
                                                 "%", "@",   "é",     "\t",   "[",    "]",   "{",    "}",
                                                 ",", ":",   "?",     "k #z", "true", "0x1", "1.",   "null"};
  const std::string head = heads[draw(static_cast<unsigned>(heads.size()))];
  const bool quoted = head == "'" || head == "\"", block = !quoted && !head.empty();
  std::string text = "  k" + std::to_string(number) + ": " + head + (block ? "\n" : "");
  for (unsigned line = 0, lines = 1 + draw(5); line < lines; ++line) {
    const auto& word = words[draw(static_cast<unsigned>(words.size()))];
    const std::string indent(draw(3), ' ');
    if (block)
      text += "    " + indent + word + (draw(3) ? "" : std::string(draw(3), '\n')) + "\n";
    else
      text += (line ? "\n    " + indent : "") + without(word, "\"'#:[]{},&*?|>%@\\-\t");
  }
  return text + (quoted ? head : "") + "\n";
}

}  // namespace

TEST_CASE("manifests that are written in odd ways") {
  const std::vector<std::string> corpus = {
      "",
      "# only words\n",
      "{}\n---\n" + kMap,
      "null\n---\n" + kMap,
      "---\n---\n",
      kMap + "  creationTimestamp: null\n",
      kMap + "  labels: null\n  annotations: {}\n",
      kMap + "  labels: {a: 1}\n",
      kMap + "  labels: {a: true}\n",
      kMap + "  labels: {a: null}\n",
      kMap + "  labels: [a]\n",
      kMap + "  annotations: {a: 1}\n",
      kMap + "  annotations: {a: 1.50}\n",
      kMap + "  annotations: x\n",
      kMap + "  annotations: {config.kubernetes.io/local-config: true}\n",
      kMap + "  annotations: {config.kubernetes.io/local-config: ''}\n",
      kMap + "  annotations: {config.kubernetes.io/local-config: 'False'}\n",
      kMap + "  namespace: 1\n",
      kMap + "  namespace: ''\n",
      kMap + "  namespace: null\n",
      kMap + "  annotations: {config.kubernetes.io/index: '0', config.kubernetes.io/path: x.yaml}\n",
      kMap +
          "  annotations: {internal.config.kubernetes.io/index: '0', internal.config.kubernetes.io/path: "
          "x.yaml}\n",
      kMap + "  annotations: {internal.config.kubernetes.io/needsHashSuffix: enabled}\n",
      kMap + "  annotations: {internal.config.kubernetes.io/whatever: x}\n",
      kMap + "  annotations: {kustomize.config.k8s.io/needs-hash: 'true', x: z}\n",
      kMap + "  annotations: {kustomize.config.k8s.io/behavior: merge}\n",
      kMap + "  annotations: {config.k8s.io/id: '1', alpha.config.kubernetes.io/x: z}\n",
      kMap +
          "  annotations: {config.kubernetes.io/origin: 'x', alpha.config.kubernetes.io/transformations: "
          "z}\n",
      kMap +
          "  annotations: {internal.config.kubernetes.io/previousNames: b, "
          "internal.config.kubernetes.io/prefixes: p}\n",
      kMap + "  annotations: {internal.config.kubernetes.io/refBy: b}\n",
      kMap + "  annotations: {internal.config.kubernetes.io/generatorBehavior: merge}\n",
      "apiVersion: v1\nkind: List\nitems: []\n",
      "apiVersion: v1\nkind: List\nitems: null\n",
      "apiVersion: v1\nkind: List\n",
      "apiVersion: v1\nkind: List\nmetadata: {name: a}\n",
      "apiVersion: v1\nkind: List\nitems: {}\n",
      "apiVersion: v1\nkind: List\nitems: [1]\n",
      "apiVersion: v1\nkind: List\nitems: [null]\n",
      "apiVersion: v1\nkind: List\nitems: [{kind: ConfigMap, metadata: {name: a}}]\n",
      "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, metadata: {name: a}}]\n",
      "kind: List\nitems: [{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}]\n",
      R"(apiVersion: v1
kind: List
metadata: {annotations: {config.kubernetes.io/local-config: 'true'}}
items: [{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}]
)",
      "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: "
      "ConfigMap, metadata: {name: a}}]}]\n",
      "apiVersion: v1\nkind: ConfigMapList\nitems: [{apiVersion: v1, kind: ConfigMap, metadata: {name: "
      "a}}]\n",
      "apiVersion: v1\nkind: ConfigMapList\nitems: [{metadata: {name: a}}]\n",
      "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: [{apiVersion: v1, kind: ConfigMap, "
      "metadata: {name: a}}]\n",
      "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nfunctionConfig: {x: z}\nitems: [{apiVersion: "
      "v1, kind: ConfigMap, metadata: {name: a}}]\n",
      "apiVersion: example.com/v1\nkind: AllowList\nmetadata: {name: a}\nspec: {items: [1]}\n",
      "apiVersion: example.com/v1\nkind: AllowList\nmetadata: {name: a}\nitems: [{a: 1}]\n",
      "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nmetadata: {name: a}\nresources: "
      "[]\n",
      "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nmetadata: {name: a}\n",
      "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: a}\nspec: {path: "
      "x}\n",
      "apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: a}\nprefix: x-\n",
      "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a.b.c, "
      "creationTimestamp: null}\nspec: {group: b.c, names: {kind: A, plural: as}, scope: Namespaced, "
      "versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, "
      "properties: {x: {type: integer, default: 1, minimum: 0.5}}}}}]}\nstatus: {acceptedNames: {kind: '', "
      "plural: ''}, conditions: null, storedVersions: null}\n",
      "apiVersion: v1\nkind: Namespace\nmetadata: {name: a, namespace: b}\n",
      "apiVersion: v1\nkind: ''\nmetadata: {name: a}\n",
      "apiVersion: ''\nkind: ConfigMap\nmetadata: {name: a}\n",
      "apiVersion: 1\nkind: ConfigMap\nmetadata: {name: a}\n",
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: 'A b'}\n",
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ''}\n",
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: 1}\n",
      "apiVersion: v1\nkind: ConfigMap\nmetadata: a\n",
      "apiVersion: v1\nkind: ConfigMap\n",
      "apiVersion: a/b/c\nkind: ConfigMap\nmetadata: {name: a}\n",
      "\xEF\xBB\xBF" + kMap,
      kMap + "data: {a: \"\xff\"}\n",
      kMap + "data: {a: '\xc2\x85', b: '\xe2\x80\xa8'}\n",
      kMap + "data: {a: \"\\x01\\x7f\\u0085\\u2028\"}\n",
      kMap + "data: {a: \"\\ud83d\\ude00\"}\n",
      "%YAML 1.1\n---\n" + kMap,
      "%TAG ! !x\n---\n" + kMap,
      "--- # words\n" + kMap,
      "--- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n",
      "---\t\n" + kMap,
      kMap + "--- \n" + named("b"),
      kMap + "...\n" + named("b"),
      kMap + "...\n---\n" + named("b"),
      kMap + "data: {a: 'x\n  z', b: \"x\\\n  z\"}\n",
      kMap +
          "data: {a: +1, b: -.5, c: 1., d: +.5, e: 0x_1, f: 0b_1, g: 1e, h: 0_1, i: 09, j: 0o8, k: 00, l: "
          "-01}\n",
      kMap + "data: {a: .inf}\n",
      kMap + "data: {a: -.INF, b: .NaN}\n",
      kMap + "data: {a: 18446744073709551615, b: -9223372036854775808}\n",
      kMap + "data: {a: 18446744073709551616}\n",
      kMap + "data: {a: 1e400}\n",
      kMap + "data: {a: 123456789012345678901234567890}\n",
      kMap +
          "data: {a: 0.1, b: 1e-7, c: 1e21, d: 1.0e+3, e: 3.14159265358979323846, f: "
          "100000000000000000000.0}\n",
      kMap + "data: {a: =, b: <, c: '<<', d: @x}\n",
      kMap + "data: {a: =, c: '<<'}\n",
      kMap + "data: {a: <<}\n",
      kMap + "data: {'<<': x}\n",
      kMap + "data: {? a : b, ? [c] : d}\n",
      kMap + "data: {? a : b}\n",
      kMap + "data: {a: &x 1, b: *x, c: &x 2, d: *x}\n",
      kMap + "data:\n  a: &x {k: v}\n  b: {<<: *x, k: w}\n  c: {k: w, <<: *x}\n",
      kMap + "data:\n  a: &x {k: v}\n  b: &y {l: v}\n  c: {<<: [*x, *y]}\n",
      kMap +
          "x: &a [z,z,z,z,z,z,z,z,z]\ny: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nz: &c "
          "[*b,*b,*b,*b,*b,*b,*b,*b,*b]\nw: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\nv: "
          "[*d,*d,*d,*d,*d,*d,*d,*d,*d]\n",
      kMap + "data: {a: !!str 1}\n",
      kMap + "data: {a: !!int '1', b: !!float 1}\n",
      kMap + "data: [a,,b]\n",
      kMap + "data: [a,b,]\n",
      kMap + "data: {a, b}\n",
      kMap + "data: {a: b, }\n",
      kMap + "data: {a:b}\n",
      kMap + "data: {\"a\":b}\n",
      kMap + "data: {a: \"b\" c}\n",
      kMap + "data: |2\n    a\n",
      kMap + "data: |-\n",
      kMap + "data: >\n  a\n\n   b\n  c\n\n",
      kMap + "data:\n- a\n-   - b\n    - c\n",
      kMap + "data:\n  - a: 1\n    b: 2\n  -\n    c: 3\n",
      kMap + "data: {a: \"\\/\\e\\a\\0\\_\\N\\L\"}\n",
      kMap + "data: {a: '#b', c: d#e, f: g #h\n  }\n",
      kMap + "data: {a: 12:30:45, b: 1:30, c: 190:20:30.15, d: -1:30}\n",
      kMap + "data: {a: 2001-1-1, b: 2001-12-14 21:59:43.10 -5, c: '2001-01-01'}\n",
      kMap + "data:\n  ? |\n    block\n  : v\n",
      kMap + "data:\n  a:\n    - 1\n   - 2\n",
      kMap + "data:\r  a: b\r",
      kMap + "data: {" + std::string(1100, 'k') + ": v}\n",
      kMap + "data:\n  " + std::string(1100, 'k') + ": v\n",
      kMap + "spec: {}\nspec:\n",
      kMap + "metadata: {name: b}\n",
      kMap + kMap,
      kMap + "---\n" + kMap + "  namespace: other\n",
      "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n---\napiVersion: "
      "extensions/v1beta1\nkind: Deployment\nmetadata: {name: a}\n",
      "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n---\napiVersion: apps/v1beta1\nkind: "
      "Deployment\nmetadata: {name: a}\n",
  };
  for (const auto& text : corpus) {
    CAPTURE(text);
    check_equal({{"app/x.yaml", text}, {"app/kustomization.yaml", "resources: [x.yaml]"}});
  }
}

TEST_CASE("what is called .json is read as YAML, as kustomize does it") {
  const std::vector<std::string> corpus = {
      R"({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"x": "1", "x": "2"}})",
      R"({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}} {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b"}})",
      R"({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
---
{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b"}})",
      R"([{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}])",
      R"({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"x": "\ud83d\ude00", "y": "\u00e9\/", "z": "é"}})",
      R"({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"x": 1.0, "y": 1e3, "z": 1E400, "w": 123456789012345678901234567890}})",
      R"({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"x": 1.0, "y": 1e3, "v": -0, "u": 0.1e-7, "w": 1.5E+3}})",
      "{\n\t\"apiVersion\": \"v1\",\n\t\"kind\": \"ConfigMap\",\n\t\"metadata\": {\n\t\t\"name\": "
      "\"a\"\n\t}\n}\n",
      R"({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"x": "yes", "y": "1", "n": "null", "on": true, "z": null, "empty": {}, "list": []}})",
      R"({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"x": "a\nb", "y": "\t", "z": "\u0001\u007f\u2028"}})",
      "\xEF\xBB\xBF{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"a\"}}",
      kMap,
      "",
      "null",
      "{}",
      R"({"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}]})",
      R"({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"},})",
      R"({'apiVersion': "v1", "kind": "ConfigMap", "metadata": {"name": "a"}})",
  };
  for (const auto& text : corpus) {
    CAPTURE(text);
    check_equal({{"app/x.json", text}, {"app/kustomization.yaml", "resources: [x.json]"}});
  }
}

TEST_CASE("texts of several lines") {
  Draw draw(1);
  int read = 0;
  for (int round = 0; round < 150; ++round) {
    std::string text = kMap + "data:\n";
    for (int number = 0; number < 8; ++number) text += member(draw, number);
    CAPTURE(text);
    read += check_equal({{"app/x.yaml", text}, {"app/kustomization.yaml", "resources: [x.yaml]"}});
  }
  CHECK(read > 50);  // else everything is left to kustomize, and nothing is compared
}

TEST_CASE("kustomizations that are written in odd ways") {
  const std::vector<std::string> corpus = {
      "resources: [a.yaml, ./b.yaml, sub/../c.yaml]",
      "resources: [a.yaml/]",
      "resources: [sub//s.yaml]",
      "resources: [./sub/./]",
      "resources: ['a.yaml ']",
      "resources: [sub/]",
      "resources: [..]",
      "resources: [../app/sub]",
      "resources: [../base]",
      "resources: [../../tree/base]",
      "resources: [/app/a.yaml]",
      "resources: ['']",
      "resources: [null, a.yaml]",
      "resources: null",
      "resources:",
      "resources: [a.yaml]\nresources: [b.yaml]",
      "resources: [a.yaml]\n---\n",
      "---\nresources: [a.yaml]\n...\n",
      "resources: [a.yaml]\nmetadata: {name: x}",
      "{\"resources\": [\"a.yaml\"]}",
      "Resources: [a.yaml]",
      "RESOURCES: [a.yaml]",
      "resources: [a.yaml]\nkind: kustomization",
      "resources: [a.yaml]\nkind: ''",
      "resources: [a.yaml]\napiVersion: ''",
      "resources: [a.yaml]\nkind: null",
      "x: &x [a.yaml]\nresources: *x",
      "resources: [&x a.yaml]",
      "resources: [a.yaml, *y]",
      "resources: [!!str a.yaml]",
      "resources: [1]",
      "resources: [yes]",
      "resources: ['*.yaml']",
      "resources: [\"a\\x2eyaml\"]",
      "resources: [sub\\s.yaml]",
      "resources: [a.yaml, sub, base]",
      "resources: [empty.yaml, a.yaml]",
      "resources: [empty.yaml]",
      "resources: [comments.yaml]",
      "resources: [sub, sub/]",
      "resources: [sub, sub/s.yaml]",
      "resources: [cycle]",
      "resources: [./cycle/../sub]",
      "resources: [../parent/child]",
      "resources: [comp]",
      "resources: [list.yaml]",
      "resources: [link.yaml]",
      "resources: [linkdir]",
      "resources: [noext]",
      "resources: [a.json]",
      "resources: [text.txt]",
      "resources: [sub/kustomization.yml]",
      "resources: [a.yaml]\n# c\n\n",
      "\xEF\xBB\xBFresources: [a.yaml]",
      "resources: [a.yaml]\r\n",
      "resources:\r\n- a.yaml\r\n- b.yaml\r\n",
      "resources: [a.yaml]\n\tx: 1",
      "resources: [two, a.yaml]",
      "resources: [bad.yaml, worse.yaml]",
      "%YAML 1.1\n---\nresources: [a.yaml]",
      "resources: [a.yaml]\nbuildMetadata: []",
      "resources: [a.yaml]\nsortOptions: {order: fifo}",
      "resources: [~]",
      "resources: [../base/../base2]",
      "resources: ['a?ref=b']",
      "resources: [a.yaml#x]",
      "resources: [A.yaml]",
      "resources: [a.yaml,]",
      "resources: [a.yaml]\n<<: {resources: [b.yaml]}",
      "<<: {resources: [b.yaml]}\nkind: Kustomization",
      "'resources': [a.yaml]",
      "? resources\n: [a.yaml]",
  };
  for (const auto& text : corpus) {
    CAPTURE(text);
    auto tree = tree_of(
        {{"app/kustomization.yaml", text},
         {"app/a.yaml", named("a")},
         {"app/b.yaml", named("b")},
         {"app/c.yaml", named("c")},
         {"app/sub/kustomization.yml", "resources: [s.yaml]"},
         {"app/sub/s.yaml", named("s")},
         {"base/kustomization.yaml", "resources: [x.yaml]"},
         {"base/x.yaml", named("x")},
         {"base2/kustomization.yaml", "resources: [y.yaml]"},
         {"base2/y.yaml", named("why")},
         {"kustomization.yaml", "resources: [root.yaml]"},
         {"root.yaml", named("root")},
         {"app/empty.yaml", ""},
         {"app/comments.yaml", "# x\n---\n"},
         {"app/dup.yaml", named("a")},
         {"app/dupd.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: default}\n"},
         {"app/cycle/kustomization.yaml", "resources: [c.yaml, ../../app/sub]"},
         {"app/cycle/c.yaml", named("cy")},
         {"parent/kustomization.yaml", "resources: [p.yaml]"},
         {"parent/p.yaml", named("p")},
         {"parent/child/kustomization.yaml", "resources: [..]"},
         {"app/comp/kustomization.yaml",
          "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\nresources: [c.yaml]"},
         {"app/comp/c.yaml", named("comp")},
         {"app/list.yaml",
          "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: ConfigMap, metadata: {name: l}}]"},
         {"app/noext", named("noext")},
         {"app/a.json", R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"j"}})"},
         {"app/text.txt", named("t")},
         {"app/two/kustomization.yaml", "resources: [x.yaml]"},
         {"app/two/Kustomization", "resources: [x.yaml]"},
         {"app/two/x.yaml", named("x2")},
         {"app/bad.yaml", "a: b: c"},
         {"app/worse.yaml", "[}"}});
    tree.put("app/link.yaml", source::EntryKind::symlink, "a.yaml");
    tree.put("app/linkdir", source::EntryKind::symlink, "sub");
    if (!render::list_kustomization(tree, "app").plain) continue;  // kustomize's
    CHECK(by_us(tree) == by_kustomize(tree));
  }
}

// NOLINTEND(bugprone-suspicious-missing-comma)
