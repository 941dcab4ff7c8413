// validate and hook add, which need no daemon.
#include "ctl/checkout.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>

#include "ctl/commands.h"
#include "ctl/forges.h"
#include "tests/unit/config/directory.h"
#include "tests/unit/ctl/capture.h"

using namespace gitopsd;
using namespace gitopsd::ctl;
using test::Capture;
using test::Directory;
using test::has;

namespace {

const char* const kGood = "apiVersion: v1\nkind: File\n";

}  // namespace

TEST_CASE("a checkout is checked file by file, every problem with its place") {
  const Directory d;
  d.write("a.yaml", std::string(kGood) + "---\n" + kGood);
  d.write("b/c.json", R"({"apiVersion": "v1", "kind": "File"})");
  d.write("b/readme.md", "{");
  d.write(".git/x.yaml", "{");
  d.write("b/.hidden.yaml", "{");
  const Capture good("");
  CHECK(validate(good.session, {.path = d.path("")}) == Exit::ok);
  CHECK(good.text() ==
        "3 documents in 2 files: no problem in the YAML; kinds and fields are checked with --config, and by "
        "gitopsctl plan\n");

  d.write("bad/1.yaml", std::string(kGood) + "spec:\n  a: 1\n  a: 2\n");
  d.write("bad/2.yaml", "kind: File\n---\napiVersion: 1\nkind: File\n---\n- x\n");
  d.write("bad/3.json", "{\n  \"a\": }");
  std::filesystem::create_symlink("/etc/passwd", d.path("bad/4.yaml"));
  const Capture out("");
  CHECK(validate(out.session, {.path = d.path("")}) == Exit::failed);
  const auto text = out.text();
  INFO(text);
  CHECK(has(text, "bad/1.yaml:5:3: "));
  CHECK(has(text, "bad/2.yaml:1:1: the document has no apiVersion"));
  CHECK(has(text, "bad/2.yaml:3:13: apiVersion has to be a text that is not empty"));
  CHECK(has(text, "bad/2.yaml:6:1: a document has to be a mapping, this one is of type array"));
  CHECK(has(text, "bad/3.json:2:8: "));
  CHECK(has(text, "bad/4.yaml: a symbolic link is not followed"));
}

TEST_CASE("a checkout with kustomizations, charts and values is read as what it is") {
  const Directory d;
  const std::string cm = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
  d.write("apps/base/kustomization.yaml", "resources: [cm.yaml]\n");
  d.write("apps/base/cm.yaml", cm);
  d.write("apps/base/patch.yaml", "spec: {replicas: 2}\n");
  d.write("apps/east/kustomization.yaml", "resources: [../base, ../../shared/one.yaml]\n");
  d.write("shared/one.yaml", cm);
  d.write("clusters/east/ns.yaml", cm);
  d.write("charts/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n");
  d.write("charts/web/values.yaml", "a: 1\n");
  d.write("charts/web/templates/d.yaml", "{{- if .Values.a }}\na: {{ .Values.a }}\n{{- end }}\n");
  d.write("values/east.yaml", "a: 1\n");
  const Capture good("");
  CHECK(validate(good.session, {.path = d.path("")}) == Exit::ok);
  INFO(good.text());
  CHECK(has(good.text(), "3 documents in 2 files, 2 kustomizations, 1 chart: no problem"));
  CHECK(has(good.text(), "not checked: values/east.yaml: no manifest"));
  CHECK(has(good.text(), "not checked: charts/web: a chart"));

  d.write("apps/base/cm.yaml", "a: b: c\n");
  d.write("apps/west/kustomization.yaml", "resources: ['https://github.com/a/b//c']\n");
  const Capture bad("");
  CHECK(validate(bad.session, {.path = d.path("")}) == Exit::failed);
  INFO(bad.text());
  CHECK(has(bad.text(), "apps/base/cm.yaml:1:5: "));
  CHECK(has(bad.text(), "apps/west/kustomization.yaml:1:13: "));
}

TEST_CASE("with a configuration its applications' own paths are read") {
  const Directory d;
  const auto config = d.write("etc/gitopsd.yaml",
                              "repositories: [{name: r, url: 'file:///r'}, {name: s, url: 'file:///s'}]\n"
                              "destinations: [{name: here, provider: host}]\n"
                              "applications:\n"
                              "- {name: web, repository: r, path: web, destination: here, exclude: [v.yaml], "
                              "substitute: {A: x}}\n"
                              "- {name: gone, repository: r, path: gone, destination: here}\n");
  d.write("co/web/a.yaml", std::string(kGood) + "metadata: {name: '${A}'}\n");
  d.write("co/web/v.yaml", "a: 1\n");
  d.write("co/web/sub/kustomization.yaml", "resources: [b.yaml]\n");
  d.write("co/web/sub/b.yaml", std::string(kGood) + "metadata: {name: b}\n");
  d.write("co/elsewhere.yaml", "{{ template }}");
  const Capture out("");
  const ValidateOptions options{.path = d.path("co"), .config = config};
  CHECK(validate(out.session, options) == Exit::failed);
  INFO(out.text());
  CHECK(has(out.text(), "gone: application gone: its path does not exist"));
  CHECK(has(out.text(), "2 documents in 2 applications: 1 problem"));
  d.write("co/gone/a.yaml", std::string(kGood) + "metadata: {name: '${A'}\n");
  CHECK(validate(Capture("").session, options) == Exit::ok);  // without substitute it is a text

  CHECK_THROWS_AS(validate(out.session, {.path = d.path("co"), .config = config, .repository = "s"}),
                  NotFoundError);
  CHECK_THROWS_AS(validate(out.session, {.path = d.path("co"), .config = d.path("none")}), NotFoundError);
  CHECK_THROWS_AS(validate(out.session, {.path = config, .config = config}), UsageError);
  d.write("etc/gitopsd.yaml", "applications: 1\n");
  CHECK(validate(Capture("").session, options) == Exit::failed);
}

TEST_CASE("a configuration is known by its folder or by what it is not") {
  const Directory d;
  const auto file = d.write("etc/gitopsd.yaml", "store: {pth: /x}\n");
  d.write("m.yaml", kGood);
  const Capture out("", true);
  CHECK(validate(out.session, {.path = d.path("etc")}) == Exit::failed);
  const auto answer = parse_json(out.text());
  CHECK(answer.get_string("kind") == "configuration");
  const auto& problem = answer.get_array("problems").at(0);
  CHECK(problem.get_string("file") == file);
  CHECK(problem.get_int("line") == 1);
  CHECK(problem.get_int("column") == 9);
  CHECK(problem.get_string("hint") == "did you mean \"path\"?");
  CHECK(validate(Capture("").session, {.path = file}) == Exit::failed);
  CHECK(validate(Capture("").session, {.path = d.path("m.yaml")}) == Exit::ok);
  CHECK_THROWS_AS(validate(Capture("").session, {.path = d.path("none")}), NotFoundError);
}

TEST_CASE("a configuration is shown to the providers that are here, and what nobody could say is said") {
  const Directory d;
  const auto file = d.write("gitopsd.yaml", "destinations: [{name: here, provider: odd}]\n");
  const Capture alone("");
  CHECK(validate(alone.session, {.path = file, .provider_directory = d.path("none")}) == Exit::ok);
  CHECK(has(alone.text(),
            "not checked: policies and settings: no provider is installed in " + d.path("none") + "\n"));
  std::filesystem::permissions(d.write("programs/gitopsd-provider-host", "#!/bin/false\n"),
                               std::filesystem::perms(0755));
  const Capture out("");
  CHECK(validate(out.session, {.path = file, .provider_directory = d.path("programs")}) == Exit::failed);
  CHECK(has(out.text(), file + ":1:16: destination here: there is no provider \"odd\" (known are host)\n"));
  const auto empty = d.write("empty.yaml", "{}\n");
  const Capture json("", true);
  CHECK(validate(json.session, {.path = empty, .provider_directory = d.path("programs")}) == Exit::ok);
  CHECK(parse_json(json.text()).get_array("warnings").size() == 1);
}

TEST_CASE("hook add prints a new secret, the URL and what to click") {
  const Directory d;
  const auto config =
      d.write("gitopsd.yaml",
              "server: {plain_http: true, public_url: 'https://gitops.example.com'}\n"
              "repositories: [{name: infra, url: 'file:///r'}]\n"
              "hooks: [{name: there, forge: github, secrets: [{file: /run/s}], repositories: [infra]}]\n");
  const auto add = [&](HookAddOptions options) {
    options.config = config;
    const Capture out("");
    REQUIRE(hook_add(out.session, options) == Exit::ok);
    return out.text();
  };
  const auto known = add({.name = "there", .forge = "", .config = "", .repositories = {}});
  CHECK(has(known, "https://gitops.example.com/hooks/there"));
  CHECK(has(known, "file /run/s"));
  CHECK(has(known, "Content type:   application/json"));
  const auto fresh = add({.name = "gitlab", .forge = "", .config = "", .repositories = {}});
  CHECK(has(fresh, "- name: gitlab"));
  CHECK(has(fresh, "secrets: [{credential: secret_gitlab}]"));
  CHECK(has(fresh, d.path("credentials/gitlab")));
  CHECK(has(fresh, "repositories: [infra]"));
  CHECK(has(fresh, "whsec_"));

  const Capture out("");
  CHECK_THROWS_AS(hook_add(out.session, {.name = "x", .forge = "", .config = config, .repositories = {}}),
                  UsageError);
  CHECK_THROWS_AS(
      hook_add(out.session, {.name = "there", .forge = "gitlab", .config = config, .repositories = {}}),
      UsageError);
  CHECK_THROWS_AS(
      hook_add(out.session, {.name = "x", .forge = "github", .config = config, .repositories = {"y"}}),
      UsageError);
  CHECK_THROWS_AS(
      hook_add(out.session, {.name = "Bad Name", .forge = "github", .config = config, .repositories = {}}),
      Failure);
}

TEST_CASE("hook add tells an unknown forge from a configuration that is not there") {
  const Directory d;
  const Capture out("");
  const auto add = [&](const std::string& name, const std::string& forge) {
    hook_add(out.session, {.name = name, .forge = forge, .config = d.path("none.yaml"), .repositories = {}});
  };
  CHECK_THROWS_WITH_AS(add("x", "gitea"), "there is no forge gitea; --forge is one of github, gitlab",
                       UsageError);
  CHECK_THROWS_WITH_AS(
      add("github", ""),
      ("there is no configuration " + d.path("none.yaml") + "; --config names another").c_str(),
      NotFoundError);
}

TEST_CASE("each secret is new and long") {
  CHECK(new_secret("github").size() == 64);
  CHECK(new_secret("github") != new_secret("github"));
  CHECK(new_secret("gitlab").size() == 6 + 44);
}
