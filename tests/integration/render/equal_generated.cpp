// A path without a kustomization whose folders have some: what comes out is what kustomize makes of the
// kustomization that Flux's controller would write there (fluxcd/pkg, kustomize/kustomize_generator.go).
#include <algorithm>
#include <fstream>

#include "tests/integration/render/equal.h"

using namespace gitopsd;
using namespace gitopsd::test;

namespace {

bool has_kustomization(const fs::path& folder) {
  return fs::exists(folder / "kustomization.yaml") || fs::exists(folder / "kustomization.yml") ||
         fs::exists(folder / "Kustomization");
}

/// As the controller does: each YAML file, and each folder with a kustomization instead of what is in it.
void generate(const fs::path& root) {
  std::string text = "resources:\n";
  for (auto at = fs::recursive_directory_iterator(root); at != fs::recursive_directory_iterator(); ++at) {
    const auto& path = at->path();
    const auto extension = path.extension();
    if (at->is_directory()) {
      if (!has_kustomization(path)) continue;
      at.disable_recursion_pending();
    } else if (extension != ".yaml" && extension != ".yml") {
      continue;
    }
    text += "- ./" + path.lexically_relative(root).string() + "\n";
  }
  std::ofstream(root / "kustomization.yaml") << text;
}

std::string sorted(const std::string& lines) {
  std::vector<std::string> all;
  for (std::size_t at = 0, end; (end = lines.find('\n', at)) != lines.npos; at = end + 1)
    all.push_back(lines.substr(at, end - at + 1));
  std::sort(all.begin(), all.end());
  std::string out;
  for (const auto& line : all) out += line;
  return out;
}

std::string lines_of(const std::vector<render::Document>& documents) {
  std::string out;
  for (const auto& document : documents) out += to_json(document.json) + "\n";
  return sorted(out);
}

enum class Way { plain, apart, at_once };

/// The same ways as the daemon: without kustomize where it can be, folders by themselves, else all at once.
std::string by_us(const render::External& external, const Tree& tree, Way& way) {
  config::Application app;
  app.path = "app";
  const auto listing = render::list_generated(tree, app);
  std::vector<render::Document> documents;
  way = listing.plain ? Way::plain : listing.parts.empty() ? Way::at_once : Way::apart;
  for (const auto& entry : listing.manifests) {
    auto read = render::read_listed_manifest(tree, entry);
    if (!read) way = Way::at_once;
    for (auto& document : read.value_or(std::vector<render::Document>()))
      documents.push_back(std::move(document));
  }
  for (const auto& part : listing.parts) {
    config::Application folder;
    folder.path = part.folder;
    for (auto& document :
         render::render_kustomize(external, tree, folder, *part.listing, Value::object()).documents)
      documents.push_back(std::move(document));
  }
  if (way == Way::at_once)
    documents = render::render_kustomize(external, tree, app, listing, Value::object()).documents;
  return lines_of(documents);
}

std::string by_flux(const render::External& external, const Tree& tree) {
  const render::RunFolder folder(external.sandbox);
  folder.write(tree, {""});
  generate(folder.tree() + "/app");
  const auto ran = render::run_in_sandbox(
      external.sandbox, folder,
      {kustomize(), "build", "--load-restrictor", "LoadRestrictionsNone", folder.tree() + "/app"});
  if (!ran.failed.empty()) throw fail(ProblemCause::input, ran.errors);
  const source::TreeEntry file{"kustomize", {}, source::EntryKind::file};
  return lines_of(render::read_rendered(ran.output, file, "kustomize", 1u << 20));
}

/// The way, where it was not refused.
std::optional<Way> check_way(const Files& files) {
  const std::string base = fs::temp_directory_path() / ("gitopsd-generated-" + std::to_string(::getpid()));
  config::Renderers limits;
  limits.kustomize = kustomize();
  const render::External external{{GITOPSD_RENDER, base, limits}};
  const auto tree = tree_of(files);
  const auto or_refused = [](const auto& make) {
    try {
      return std::string(make());
    } catch (const Failure& failure) {
      CHECK(failure.cause() == ProblemCause::input);
      return std::string("refused");
    }
  };
  Way way = Way::plain;
  const auto ours = or_refused([&] { return by_us(external, tree, way); });
  CHECK(ours == or_refused([&] { return by_flux(external, tree); }));
  CHECK(!ours.empty());
  fs::remove_all(base);
  return ours == "refused" ? std::nullopt : std::optional(way);
}

/// Whether it was read without kustomize.
bool check_generated(const Files& files) {
  return check_way(files) == Way::plain;
}

const std::string kFluxApps =
    "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
    "metadata: {name: apps, namespace: flux-system}\n"
    "spec: {interval: 10m0s, path: ./apps/staging, prune: true, "
    "sourceRef: {kind: GitRepository, name: flux-system}}\n";

/// clusters/staging as `flux bootstrap` leaves it, seen from the folder that holds it.
Files bootstrapped(const std::string& members) {
  return {{"app/flux-system/gotk-components.yaml",
           named("flux-system", "Namespace") + "---\n" +
               "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: source-controller, namespace: "
               "flux-system}\nspec: {template: {spec: {containers: [{name: manager, image: a:1}]}}}\n"},
          {"app/flux-system/gotk-sync.yaml",
           "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: flux-system, "
           "namespace: flux-system}\nspec: {interval: 1m0s, ref: {branch: main}}\n"},
          {"app/flux-system/kustomization.yaml",
           "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n"
           "- gotk-components.yaml\n- gotk-sync.yaml\n" +
               members},
          {"app/apps.yaml", kFluxApps}};
}

}  // namespace

TEST_CASE("what flux bootstrap leaves, as it is and patched") {
  CHECK(check_generated(bootstrapped("")));
  const std::string patch = "[{\"op\": \"add\", \"path\": \"/spec/replicas\", \"value\": 2}]";
  CHECK(check_way(bootstrapped("patches:\n- patch: '" + patch + "'\n  target: {kind: Deployment}\n")) ==
        Way::apart);
}

TEST_CASE("plain files and folders beside folders with a kustomization") {
  Files files{{"app/ns.yaml", named("ns", "Namespace")},
              {"app/deep/er/a.yml", named("a") + "---\n" + named("b")},
              {"app/deep/er/words.txt", "words"},
              {"app/deep/podinfo/kustomization.yaml", "resources: [cm.yaml, ../../../base]"},
              {"app/deep/podinfo/cm.yaml", named("podinfo")},
              {"app/deep/podinfo/unlisted.yaml", "no: manifest"},
              {"app/deep/podinfo/below/kustomization.yaml", "resources: [never.yaml]"},
              {"app/deep/podinfo/beside/unlisted.yaml", "no: manifest"},
              {"app/two/kustomization.yml", "resources: [t.yaml]"},
              {"app/two/t.yaml", named("t")},
              {"app/three/Kustomization", "resources: [t.yaml]"},
              {"app/three/t.yaml", named("u")},
              {"base/kustomization.yaml", "resources: [b.yaml]"},
              {"base/b.yaml", named("c")}};
  CHECK(check_generated(files));
  files[3].second = "resources: [cm.yaml]\nnamePrefix: x-\nnamespace: podinfo\n";
  CHECK(!check_generated(files));
}

TEST_CASE("names that a folder changes are changed where others refer to them") {
  const std::string pod =
      "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {volumes: [{name: a, configMap: {name: a}}, "
      "{name: g, configMap: {name: g}}]}\n";
  CHECK(!check_generated({{"app/p.yaml", pod},
                          {"app/sub/kustomization.yaml",
                           "configMapGenerator: [{name: g, literals: [a=b]}]\nresources: [a.yaml]\n"},
                          {"app/sub/a.yaml", named("a")}}));
  CHECK(!check_generated({{"app/p.yaml", pod},
                          {"app/sub/kustomization.yaml", "nameSuffix: -x\nresources: [a.yaml]\n"},
                          {"app/sub/a.yaml", named("a")}}));
}

TEST_CASE("folders that change nothing outside of them are built by themselves") {
  const std::string pod =
      "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {serviceAccountName: sa, containers: [{name: c, "
      "image: a:1}]}\n";
  const std::string binding =
      "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: r}\nroleRef: {apiGroup: "
      "rbac.authorization.k8s.io, kind: Role, name: r}\nsubjects: [{kind: ServiceAccount, name: sa}]\n";
  const auto way = [&](const std::string& members) {
    return check_way(
        {{"app/p.yaml", pod},
         {"app/binding.yaml", binding},
         {"app/plain/kustomization.yaml", "resources: [x.yaml]"},
         {"app/plain/x.yaml", named("x")},
         {"app/sub/kustomization.yaml", "resources: [q.yaml, sa.yaml]\n" + members},
         {"app/sub/sa.yaml", "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: sa, namespace: s}\n"},
         {"app/sub/q.yaml", named("q", "Deployment") + "spec: {paused: true}\n"},
         {"app/sub/patch.yaml", named("q", "Deployment") + "spec: {replicas: 2}\n"},
         {"app/sub/patch.json", R"([{"op": "add", "path": "/spec", "value": {}}])"},
         {"part/kustomization.yaml",
          "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nlabels: [{pairs: {c: "
          "d}}]\n"}});
  };
  for (
      const std::string members :
      {"labels: [{pairs: {a: b}, includeSelectors: true}]", "commonLabels: {a: b}",
       "commonAnnotations: {a: b}", "images: [{name: a, newTag: '2'}]", "replicas: [{name: q, count: 3}]",
       "patches: [{path: patch.yaml}]", "patchesStrategicMerge: [patch.yaml]", "components: [../../part]",
       R"(patches: [{target: {kind: Deployment}, patch: '[{"op": "add", "path": "/spec/replicas", "value": 2}]'}])"}) {
    CAPTURE(members);
    CHECK(way(members) == Way::apart);
  }
  for (const std::string members :
       {"namePrefix: x-", "nameSuffix: -x", "namespace: ns1",
        "configMapGenerator: [{name: g, literals: [a=b]}]", "secretGenerator: [{name: g, literals: [a=b]}]",
        "buildMetadata: [originAnnotations]", "patches: [{target: {kind: Deployment}, path: patch.json}]",
        "patches: [{target: {kind: ServiceAccount}, patch: '[{\"op\": \"add\", \"path\": "
        "\"/metadata/labels\", \"value\": {\"a\": \"b\"}}]'}]",
        "patches: [{target: {kind: Deployment}, options: {allowNameChange: true}, patch: '{apiVersion: "
        "apps/v1, "
        "kind: Deployment, metadata: {name: z}}'}]"}) {
    CAPTURE(members);
    CHECK(way(members) == Way::at_once);
  }
}

TEST_CASE("what Flux refuses is refused") {
  const std::pair<std::string, std::string> sub{"app/sub/kustomization.yaml", "resources: [../a.yaml]"};
  CHECK(!check_generated({sub, {"app/a.yaml", named("a")}}));  // listed twice
  CHECK(!check_generated(
      {{"app/sub/kustomization.yaml", "resources: [gone.yaml]"}, {"app/a.yaml", named("a")}}));
  CHECK(!check_generated({{"app/sub/kustomization.yaml", "resources: [..]"}, {"app/a.yaml", named("a")}}));
  CHECK(!check_generated({{"app/sub/kustomization.yaml", "resources: []"}, {"app/a.yaml", named("a")}}));
  CHECK(!check_generated({{"app/sub/kustomization.yaml", "resources: [s.yaml]"},
                          {"app/sub/s.yaml", named("s")},
                          {"app/values.yaml", "a: 1"}}));
  CHECK(!check_generated({{"app/base/kustomization.yaml", "resources: [s.yaml]"},
                          {"app/base/s.yaml", named("s")},
                          {"app/east/kustomization.yaml", "resources: [../base]"}}));
}
