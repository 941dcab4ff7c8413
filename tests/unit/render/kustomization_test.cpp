// What a kustomization reads, found without kustomize.
#include "daemon/render/kustomization.h"

#include <doctest/doctest.h>

#include "tests/unit/render/tree.h"

using namespace gitopsd;
using render::Renderer;
using source::EntryKind;
using test::Tree;

namespace {

const std::string kDocument = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

std::string said(const render::Listing& listing) {
  std::string out = listing.plain ? "plain:" : listing.closed ? "kustomize:" : "anything:";
  for (const auto& entry : listing.manifests) out += " " + entry.path;
  out += " |";
  for (const auto& path : listing.reads) out += " " + (path.empty() ? "/" : path);
  return out;
}

/// The listing of `app`, whose kustomization is `text`, in a repository with a few other things.
std::string listed(const std::string& text) {
  Tree tree;
  tree.file("app/kustomization.yaml", text).file("app/a.yaml", kDocument).file("app/b.yaml", kDocument);
  tree.file("app/sub/kustomization.yml", "resources: [c.yaml]").file("app/sub/c.yaml", kDocument);
  tree.file("base/kustomization.yaml", "resources:\n- d.yaml\n- ../one.yaml\n")
      .file("base/d.yaml", kDocument);
  tree.file("one.yaml", kDocument).file("patch.yaml", kDocument).file("words.txt", "words");
  tree.file("part/kustomization.yaml",
            "kind: Component\nconfigMapGenerator: [{name: w, files: [x=../words.txt]}]");
  tree.file("twice/Kustomization", "resources: [a.yaml]")
      .file("twice/kustomization.yaml", "resources: [a.yaml]");
  tree.put("app/link.yaml", EntryKind::symlink, "a.yaml").file("plain/x.yaml", kDocument);
  return said(render::list_kustomization(tree, "app"));
}

}  // namespace

TEST_CASE("a kustomization of resources alone lists its manifests in their order") {
  CHECK(listed("resources: [b.yaml, a.yaml]") == "plain: app/b.yaml app/a.yaml | app");
  CHECK(listed(
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [./a.yaml, sub]") ==
        "plain: app/a.yaml app/sub/c.yaml | app");
  CHECK(listed("resources: [../base, a.yaml, ../one.yaml]").starts_with("kustomize: |"));  // one.yaml twice
  CHECK(listed("resources: [../base/, a.yaml]") ==
        "plain: base/d.yaml one.yaml app/a.yaml | app base one.yaml");
}

TEST_CASE("whatever else a kustomization holds is kustomize's, with all that it reads") {
  CHECK(listed("resources: [a.yaml]\nnamePrefix: x-") == "kustomize: | app");
  CHECK(listed("resources: [a.yaml]\npatches: [{path: ../patch.yaml}, {patch: '{}'}]") ==
        "kustomize: | app patch.yaml");
  CHECK(listed("resources: [../base]\ncomponents: [../part]") ==
        "kustomize: | app base one.yaml part words.txt");
  CHECK(listed("bases: [../base]") == "kustomize: | app base one.yaml");
  CHECK(listed("configMapGenerator: [{name: a, files: [../words.txt], envs: [../one.yaml]}]") ==
        "kustomize: | app one.yaml words.txt");
  CHECK(listed("secretGenerator: [{name: a, env: ../words.txt}]") == "kustomize: | app words.txt");
  CHECK(listed("patchesStrategicMerge: [../patch.yaml, \"a: 1\\nb: 2\"]") == "kustomize: | app patch.yaml");
  CHECK(listed("patchesJson6902: [{path: ../patch.yaml}]\nopenapi: {path: ../words.txt}") ==
        "kustomize: | app patch.yaml words.txt");
  CHECK(
      listed("replacements: [{path: ../patch.yaml}]\ncrds: [../one.yaml]\nconfigurations: [../words.txt]") ==
      "kustomize: | app one.yaml patch.yaml words.txt");
  CHECK(listed("kind: Component\nresources: [a.yaml]") == "kustomize: | app");
  CHECK(listed("apiVersion: kustomize.config.k8s.io/v9\nresources: [a.yaml]") == "kustomize: | app");
}

TEST_CASE("what kustomize refuses is left to kustomize's own words") {
  CHECK(listed("resources: []") == "kustomize: | app");
  CHECK(listed("resources: [a.yaml, a.yaml]") == "kustomize: | app");
  CHECK(listed("resources: [sub, sub]") == "kustomize: | app");
  CHECK(listed("resources: [../app]") == "kustomize: | app");
  CHECK(listed("resources: [../plain]") == "kustomize: | app plain");
  CHECK(listed("resources: [../twice]") == "kustomize: | app twice");
  CHECK(listed("resources: [kustomization.yaml]") == "kustomize: | app");
}

TEST_CASE("where it cannot be shown what is read, it is the whole repository") {
  for (const auto* text :
       {"resources: [missing.yaml]", "resources: [../../outside.yaml]", "resources: [/etc/passwd]",
        "resources: [link.yaml]", "generators: [a.yaml]", "transformers: [a.yaml]", "helmCharts: [{}]",
        "resources: [1]", "resources: a.yaml", "- a", "a: 1\n---\nb: 2", "{",
        "configMapGenerator: [{name: a, files: [missing]}]", "unheard: of"}) {
    CAPTURE(text);
    CHECK(listed(text) == "anything: | /");
  }
}

TEST_CASE("charts that a kustomization has inflated are read with their values") {
  Tree tree;
  tree.file("app/charts/a/Chart.yaml", "name: a").file("home/b-1.0/b/Chart.yaml", "name: b");
  tree.file("v.yaml", "a: 1").file("app/w.yaml", "a: 1");
  const auto with = [&](const std::string& text) {
    const auto listing = render::list_kustomization(tree.file("app/kustomization.yaml", text), "app");
    CHECK(listing.charts);
    return said(listing);
  };
  CHECK(with("helmCharts: [{name: a}]") == "kustomize: | app");
  CHECK(with("helmCharts: [{name: a, valuesFile: ../v.yaml, additionalValuesFiles: [w.yaml]}]") ==
        "kustomize: | app v.yaml");
  CHECK(with("helmGlobals: {chartHome: ../home}\n"
             "helmCharts: [{name: b, version: '1.0', repo: 'https://example.com'}]") ==
        "kustomize: | app home/b-1.0/b");
  CHECK(with("helmCharts: [{name: a, valuesFile: missing.yaml}]") == "anything: | /");
  CHECK(with("helmCharts: [{name: a, valuesFile: /etc/passwd}]") == "anything: | /");
  tree.put("app/charts/a/link", EntryKind::symlink, "/etc/passwd");
  CHECK(with("helmCharts: [{name: a}]") == "anything: | /");
}

TEST_CASE("a chart that would have to be fetched is refused at its line") {
  Tree tree;
  tree.file("app/kustomization.yaml", R"(
helmGlobals:
  configHome: x
  chartHome: ../home
helmCharts:
- name: a
- name: b
  version: 1.0.0
  repo: oci://example.com/b
- {name: ../c, repo: 'http://example.com'}
)");
  std::string said_of_it;
  try {
    render::list_kustomization(tree, "app");
  } catch (const Failure& failure) {
    for (const auto& problem : failure.problems()) said_of_it += problem.str() + "\n";
  }
  CHECK(
      said_of_it ==
      "0123456789:app/kustomization.yaml:3:15: helmGlobals.configHome is not used here: Helm runs with "
      "settings of its own (remove configHome)\n"
      "0123456789:app/kustomization.yaml:6:3: there is no chart at home/a in this commit (commit it there, "
      "or name its folder: helmGlobals.chartHome)\n"
      "0123456789:app/kustomization.yaml:9:9: the chart b would have to be fetched from oci://example.com/b, "
      "and renderers reach no network (commit it: helm pull oci://example.com/b/b --version 1.0.0 --untar "
      "--untardir home/b-1.0.0)\n"
      "0123456789:app/kustomization.yaml:10:22: the chart ../c would have to be fetched from "
      "http://example.com, and renderers reach no network (commit it: helm pull ../c --repo "
      "http://example.com --untar --untardir .)\n");
}

TEST_CASE("a base on a network is refused at its line") {
  Tree tree;
  tree.file("app/kustomization.yaml", "resources:\n- https://github.com/example/base?ref=v1\n- ../b\n");
  tree.file("b/kustomization.yaml",
            "resources:\n- git@github.com:example/base.git\n- github.com/example/base\n");
  try {
    render::list_kustomization(tree, "app");
    FAIL("accepted");
  } catch (const Failure& failure) {
    REQUIRE(failure.problems().size() == 3);
    CHECK(failure.problems()[0].str() ==
          "0123456789:app/kustomization.yaml:2:3: \"https://github.com/example/base?ref=v1\" is not in this "
          "repository but on github.com, and renderers reach no network (list that repository in `bases` of "
          "the "
          "application, or commit a copy: git subtree add --squash "
          "--prefix vendor/base https://github.com/example/base v1, and name vendor/base)");
    CHECK(failure.problems()[1].file == "0123456789:b/kustomization.yaml");
    CHECK(failure.problems()[2].position == Position{3, 3});
  }
}

TEST_CASE("a hostile chain of bases ends") {
  Tree tree;
  for (int i = 0; i < 5000; ++i)
    tree.file("b" + std::to_string(i) + "/kustomization.yaml",
              "resources: [../b" + std::to_string(i + 1) + "]");
  CHECK(said(render::list_kustomization(tree, "b0")) == "anything: | /");
}

TEST_CASE("what a path holds decides how it is rendered, where the application does not say it") {
  Tree tree;
  tree.file("chart/Chart.yaml", "name: a").file("chart/kustomization.yaml", "resources: []");
  tree.file("built/kustomization.yml", "resources: []").file("read/a.yaml", kDocument);
  config::Application app;
  const auto of = [&](const std::string& path) {
    app.path = path;
    return render::renderer_of(tree, app);
  };
  CHECK(of("chart") == Renderer::helm);
  CHECK(of("built") == Renderer::kustomize);
  CHECK(of("read") == Renderer::directory);
  app.kustomize = Value::object();
  CHECK(of("chart") == Renderer::kustomize);
  CHECK(of("read") == Renderer::kustomize);
  app.kustomize = {};
  app.exclude = {"a"};
  CHECK(of("built") == Renderer::kustomize);
  app.exclude = {"*.yml"};
  CHECK(of("built") == Renderer::directory);
  app.exclude = {"Chart.*"};
  CHECK(of("chart") == Renderer::kustomize);
  app.include = {"a"};
  CHECK(of("built") == Renderer::directory);
  app.include = {};
  app.exclude = {};
  app.helm.emplace();
  CHECK(of("built") == Renderer::helm);
}

TEST_CASE("a path without a kustomization is one that lists what is found below it") {
  Tree tree;
  tree.file("app/ns.yaml", kDocument)
      .file("app/words.txt", "words")
      .file("app/.github/w.yaml", "no: manifest");
  tree.file("app/deep/er/a.yml", kDocument)
      .file("app/deep/podinfo/kustomization.yaml", "resources: [c.yaml]");
  tree.file("app/deep/podinfo/c.yaml", kDocument).file("app/deep/podinfo/unlisted.yaml", kDocument);
  tree.file("app/deep/podinfo/more/Kustomization", "resources: [d.yaml]");
  tree.file("app/.hidden/kustomization.yaml", "resources: [d.yaml]").file("app2/kustomization.yaml", "{}");
  config::Application app;
  app.path = "app";
  const auto listing = [&] { return render::list_generated(tree, app); };
  CHECK(said(listing()) == "plain: app/deep/er/a.yml app/ns.yaml app/deep/podinfo/c.yaml | app");
  CHECK(*listing().generated ==
        std::vector<std::string>{"app/deep/er/a.yml", "app/ns.yaml", "app/deep/podinfo"});
  app.exclude = {"deep/podinfo/**"};
  CHECK(render::find_resources(tree, app).bases.empty());
  app.exclude = {"deep/podinfo/kustomization.yaml", "ns.yaml"};
  CHECK(*listing().generated == std::vector<std::string>{"app/deep/er/a.yml", "app/deep/podinfo/c.yaml",
                                                         "app/deep/podinfo/unlisted.yaml",
                                                         "app/deep/podinfo/more"});
  app.exclude = {};
  tree.file("app/deep/podinfo/kustomization.yaml", "resources: [c.yaml]\nnamePrefix: x-");
  CHECK(said(listing()) == "kustomize: | app");
  app.path = "gone";
  CHECK_THROWS_AS(listing(), Failure);
}
