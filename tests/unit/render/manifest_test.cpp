#include <doctest/doctest.h>

#include "base/json.h"
#include "daemon/render/render.h"
#include "tests/unit/render/tree.h"

using namespace gitopsd;
using render::manifests;
using render::read_manifest;
using source::EntryKind;
using test::Tree;

namespace {

const std::string kOne = "apiVersion: v1\nkind: One\n";

config::Application application(const std::string& path) {
  config::Application a;
  a.name = ApplicationName("app");
  a.path = path;
  return a;
}

std::string paths(const std::vector<source::TreeEntry>& entries) {
  std::string out;
  for (const auto& e : entries) out += e.path + " ";
  return out;
}

/// The documents of a file with that name and text, a line each; or what it is refused with.
std::string read(const std::string& name, const std::string& text, const render::Limits& limits = {}) {
  Tree tree;
  tree.file(name, text);
  std::string out;
  try {
    for (const auto& d : read_manifest(tree, *tree.entry(name), limits)) {
      CHECK(d.path == name);
      CHECK(d.blob == tree.entry(name)->id);
      out +=
          std::to_string(d.index) + " " + std::to_string(d.json.position.line) + " " + to_json(d.json) + "\n";
    }
  } catch (const Failure& failure) {
    CHECK(failure.cause() == ProblemCause::input);
    for (const auto& p : failure.problems()) {
      out += p.file + ":" + std::to_string(p.position.line) + ":" + std::to_string(p.position.column) + ": " +
             p.message + "\n";
    }
  }
  return out;
}

std::string refusal(const Tree& tree, const std::string& path) {
  try {
    manifests(tree, application(path));
    return "accepted";
  } catch (const Failure& failure) {
    CHECK(failure.cause() == ProblemCause::input);
    return failure.what();
  }
}

}  // namespace

TEST_CASE("the manifests of a path are those below it, in path order") {
  Tree tree;
  tree.file("app/b.yaml", kOne).file("app/a/z.yml", kOne).file("app/c.json", "{}").file("app/README.md", "");
  tree.file("application.yaml", kOne).file("app2/a.yaml", kOne).file("root.yaml", kOne);
  tree.put("app/link.yaml", EntryKind::symlink, "b.yaml")
      .put("app/x.yaml", EntryKind::executable, kOne + "#");
  CHECK(paths(manifests(tree, application("app"))) ==
        "app/a/z.yml app/b.yaml app/c.json app/link.yaml app/x.yaml ");
  CHECK(paths(manifests(tree, application("app/a"))) == "app/a/z.yml ");
  CHECK(manifests(tree, application("")).size() == 8);
  auto excluding = application("app");
  excluding.exclude = {"a/**"};
  CHECK(paths(manifests(tree, excluding)) == "app/b.yaml app/c.json app/link.yaml app/x.yaml ");
}

TEST_CASE("a path that cannot be read is an error and never an empty list") {
  Tree tree;
  tree.file("file", kOne).put("link", EntryKind::symlink, "file").put("sub", EntryKind::submodule, "x");
  CHECK(refusal(tree, "gone") ==
        "0123456789:gone: application app: its path does not exist in this commit (correct its path, or push "
        "the folder)");
  CHECK(refusal(tree, "file").find("its path is a file, not a folder") != std::string::npos);
  CHECK(refusal(tree, "link").find("its path is a symbolic link") != std::string::npos);
  CHECK(refusal(tree, "sub").find("its path is a submodule") != std::string::npos);
  CHECK_THROWS_AS(manifests(tree, application(""), {.files = 1}), Failure);
}

TEST_CASE("a deployment file of CloudFormation's Git sync needs no kind") {
  CHECK(read("a.yaml", "template-file-path: t.yaml\n") ==
        "0 1 "
        "{\"apiVersion\":\"aws.gitopsd.io/"
        "v1\",\"kind\":\"DeploymentFile\",\"template-file-path\":\"t.yaml\"}\n");
  CHECK(read("a.yaml", "kind: Other\napiVersion: v1\ntemplate-file-path: t.yaml\n")
            .find("\"kind\":\"Other\"") != std::string::npos);
}

TEST_CASE("a file has one document or several, each with its index and position") {
  CHECK(read("a.yaml", kOne) == "0 1 {\"apiVersion\":\"v1\",\"kind\":\"One\"}\n");
  CHECK(read("a.yaml", "# nothing\n") == "");
  CHECK(
      read("a.yaml", "---\n" + kOne + "---\n# nothing\n---\n" + kOne + "x: 1\n") ==
      "0 2 {\"apiVersion\":\"v1\",\"kind\":\"One\"}\n1 7 {\"apiVersion\":\"v1\",\"kind\":\"One\",\"x\":1}\n");
  CHECK(read("a.json", "\n{\"apiVersion\": \"v1\", \"kind\": \"One\"}\n") ==
        "0 2 {\"apiVersion\":\"v1\",\"kind\":\"One\"}\n");
}

TEST_CASE("a list is taken apart, however deep") {
  CHECK(read("a.yaml",
             "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: a/v1, kind: A}\n- apiVersion: v1\n  kind: "
             "BList\n  items:\n  - {apiVersion: b/v1, kind: B}\n---\n" +
                 kOne) ==
        "0 4 {\"apiVersion\":\"a/v1\",\"kind\":\"A\"}\n1 8 {\"apiVersion\":\"b/v1\",\"kind\":\"B\"}\n"
        "2 10 {\"apiVersion\":\"v1\",\"kind\":\"One\"}\n");
  CHECK(read("a.yaml", "apiVersion: v1\nkind: List\nitems: []\n") == "");
  // Only a name like it, or only items, is no list.
  CHECK(read("a.yaml", "apiVersion: v1\nkind: AllowList\nitems: none\n") ==
        "0 1 {\"apiVersion\":\"v1\",\"items\":\"none\",\"kind\":\"AllowList\"}\n");
  CHECK(read("a.yaml", "apiVersion: v1\nkind: Order\nitems: [1]\n") ==
        "0 1 {\"apiVersion\":\"v1\",\"items\":[1],\"kind\":\"Order\"}\n");
  CHECK(read("a.yaml", "apiVersion: v1\nkind: List\nitems:\n- {kind: A}\n") ==
        "0123456789:a.yaml:4:3: the document has no apiVersion\n");
}

TEST_CASE("items of a list of one kind are of that kind where they do not say so") {
  CHECK(read("a.yaml", "apiVersion: a/v1\nkind: AList\nitems:\n- {x: 1}\n- {apiVersion: b/v1, kind: B}\n") ==
        "0 4 {\"apiVersion\":\"a/v1\",\"kind\":\"A\",\"x\":1}\n"
        "1 5 {\"apiVersion\":\"b/v1\",\"kind\":\"B\"}\n");
}

TEST_CASE("what is no resource is refused with its place, all of it at once") {
  CHECK(read("d/a.yaml",
             "kind: One\n---\nhello\n---\napiVersion: v1\n---\napiVersion: 1\nkind: \"\"\n---\n[]") ==
        "0123456789:d/a.yaml:1:1: the document has no apiVersion\n"
        "0123456789:d/a.yaml:3:1: a document has to be a mapping, this one is of type string\n"
        "0123456789:d/a.yaml:5:1: the document has no kind\n"
        "0123456789:d/a.yaml:7:13: apiVersion has to be a text that is not empty\n"
        "0123456789:d/a.yaml:8:7: kind has to be a text that is not empty\n"
        "0123456789:d/a.yaml:10:1: a document has to be a mapping, this one is of type array\n");
}

TEST_CASE("what cannot be read is refused with its place") {
  CHECK(read("a.yaml", "a: 1\nb: [\n").starts_with("0123456789:a.yaml:3:"));
  CHECK(read("a.yaml", "a: \xff\n").starts_with("0123456789:a.yaml:1:4: "));
  CHECK(read("a.json", "{\"a\": 1,\n \"a\": 2}").starts_with("0123456789:a.json:2:2: "));
  // A .json file is JSON, not the YAML that looks like it.
  CHECK(read("a.json", "{apiVersion: v1, kind: One}").starts_with("0123456789:a.json:1:2: "));
  CHECK(read("a.yaml", kOne, {.file_bytes = 10}) != read("a.yaml", kOne));
}

TEST_CASE("links and submodules are refused, a folder declares nothing") {
  Tree tree;
  tree.put("l.yaml", EntryKind::symlink, "x").put("s.yaml", EntryKind::submodule, "y").file("f.yaml/a", "");
  CHECK_THROWS_WITH_AS(
      read_manifest(tree, *tree.entry("l.yaml")),
      "0123456789:l.yaml: a symbolic link is not followed (put the file itself there, or exclude it from the "
      "application)",
      Failure);
  CHECK_THROWS_AS(read_manifest(tree, *tree.entry("s.yaml")), Failure);
  CHECK(read_manifest(tree, *tree.entry("f.yaml")).empty());
}
