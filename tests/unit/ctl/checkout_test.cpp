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
  CHECK(validate(good.session, d.path("")) == Exit::ok);
  CHECK(good.text() ==
        "3 documents in 2 files: no problem in the YAML; kinds and fields are checked by gitopsctl plan\n");

  d.write("bad/1.yaml", std::string(kGood) + "spec:\n  a: 1\n  a: 2\n");
  d.write("bad/2.yaml", "kind: File\n---\napiVersion: 1\nkind: File\n---\n- x\n");
  d.write("bad/3.json", "{\n  \"a\": }");
  std::filesystem::create_symlink("/etc/passwd", d.path("bad/4.yaml"));
  const Capture out("");
  CHECK(validate(out.session, d.path("")) == Exit::failed);
  const auto text = out.text();
  INFO(text);
  CHECK(has(text, "bad/1.yaml:5:3: "));
  CHECK(has(text, "bad/2.yaml:1:1: the key 'apiVersion' is missing"));
  CHECK(has(text, "bad/2.yaml:3:13: apiVersion: expected a text, found integer"));
  CHECK(has(text, "bad/2.yaml:6:1: expected an object with apiVersion and kind, found array"));
  CHECK(has(text, "bad/3.json:2:8: "));
  CHECK(has(text, "bad/4.yaml: a symbolic link is no manifest"));
}

TEST_CASE("a configuration is known by its folder or by what it is not") {
  const Directory d;
  const auto file = d.write("etc/gitopsd.yaml", "store: {pth: /x}\n");
  d.write("m.yaml", kGood);
  const Capture out("", true);
  CHECK(validate(out.session, d.path("etc")) == Exit::failed);
  const auto answer = parse_json(out.text());
  CHECK(answer.get_string("kind") == "configuration");
  const auto& problem = answer.get_array("problems").at(0);
  CHECK(problem.get_string("file") == file);
  CHECK(problem.get_int("line") == 1);
  CHECK(problem.get_int("column") == 9);
  CHECK(problem.get_string("hint") == "did you mean \"path\"?");
  CHECK(validate(Capture("").session, file) == Exit::failed);
  CHECK(validate(Capture("").session, d.path("m.yaml")) == Exit::ok);
  CHECK_THROWS_AS(validate(Capture("").session, d.path("none")), NotFoundError);
}

TEST_CASE("a configuration is shown to the providers that are here, and what nobody could say is said") {
  const Directory d;
  const auto file = d.write("gitopsd.yaml", "destinations: [{name: here, provider: odd}]\n");
  const Capture alone("");
  CHECK(validate(alone.session, file, d.path("none")) == Exit::ok);
  CHECK(has(alone.text(),
            "not checked: policies and settings: no provider is installed in " + d.path("none") + "\n"));
  std::filesystem::permissions(d.write("programs/gitopsd-provider-host", "#!/bin/false\n"),
                               std::filesystem::perms(0755));
  const Capture out("");
  CHECK(validate(out.session, file, d.path("programs")) == Exit::failed);
  CHECK(has(out.text(), file + ":1:16: destination here: there is no provider \"odd\" (known are host)\n"));
  const auto empty = d.write("empty.yaml", "{}\n");
  const Capture json("", true);
  CHECK(validate(json.session, empty, d.path("programs")) == Exit::ok);
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
