#include "daemon/render/bases.h"

#include <doctest/doctest.h>

#include "base/problem.h"
#include "daemon/render/kustomization.h"
#include "tree.h"

namespace gitopsd {
namespace {

using test::Tree;

/// One repository, at one commit, whatever is asked for.
class OneBase : public render::Bases {
 public:
  explicit OneBase(std::shared_ptr<const source::Snapshot> tree) : tree_(std::move(tree)) {}
  std::shared_ptr<const source::Snapshot> find(const render::RemoteReference& reference) override {
    if (reference.host != "example.com") return nullptr;
    if (reference.ref.empty()) throw fail(ProblemCause::input, "no ref", "add one");
    return tree_;
  }

 private:
  const std::shared_ptr<const source::Snapshot> tree_;
};

constexpr const char* kFolder = ".gitopsd-bases/0123456789abcdef0123456789abcdef01234567";

struct Scene {
  std::shared_ptr<Tree> own = std::make_shared<Tree>(), other = std::make_shared<Tree>();
  std::shared_ptr<const source::Snapshot> both = render::with_bases(own, std::make_shared<OneBase>(other));

  std::string read(const std::string& path) const { return both->read(both->entry(path)->id, path, 1000); }
};

TEST_CASE("a kustomization names the copy of what it builds on, and nothing else in it changes") {
  Scene s;
  s.other->file("deploy/kustomization.yaml", "resources: [a.yaml]\n").file("deploy/a.yaml", "a: 1\n");
  s.own->file(
      "a/b/kustomization.yaml",
      "# https://example.com/o/r//deploy?ref=v1\n"
      "resources:\n"
      "- https://example.com/o/r//deploy?ref=v10\n"
      "- \"https://example.com/o/r//deploy?ref=v1\"  # again\n"
      "components: [\"https://example.com/o/r//c?ref=v1\", 'https://elsewhere.example/o/r//c?ref=v1']\n");
  s.own->file("a/b/other.yaml", "resources:\n- https://example.com/o/r//deploy?ref=v1\n");
  const std::string way = std::string("../../") + kFolder;
  CHECK(s.read("a/b/kustomization.yaml") ==
        "# https://example.com/o/r//deploy?ref=v1\n"
        "resources:\n"
        "- " +
            way +
            "/deploy\n"
            "- \"" +
            way +
            "/deploy\"  # again\n"
            "components: [\"" +
            way + "/c\", 'https://elsewhere.example/o/r//c?ref=v1']\n");
  CHECK(s.read("a/b/other.yaml") == "resources:\n- https://example.com/o/r//deploy?ref=v1\n");
}

TEST_CASE("the copy is read like the repository's own files, once a kustomization has named it") {
  Scene s;
  const std::string folder = std::string(kFolder) + "/deploy";
  s.other->file("deploy/kustomization.yaml", "resources: [a.yaml]\n").file("deploy/a.yaml", "a: 1\n");
  s.own->file("kustomization.yaml", "resources:\n- https://example.com/o/r//deploy?ref=v1\n");
  CHECK_FALSE(s.both->entry(folder));
  const auto listing = render::list_kustomization(*s.both, "");
  REQUIRE(listing.manifests.size() == 1);
  CHECK(listing.plain);
  CHECK(listing.manifests.front().path == folder + "/a.yaml");
  CHECK(s.read(folder + "/a.yaml") == "a: 1\n");
  REQUIRE(s.both->entry(kFolder));
  CHECK(s.both->entry(kFolder)->kind == source::EntryKind::directory);
  REQUIRE(s.both->files(kFolder, 10).size() == 2);
  CHECK(s.both->files(kFolder, 10).front().path == folder + "/a.yaml");
  CHECK(s.both->files("", 10).size() == 1);
  CHECK_FALSE(s.both->entry(".gitopsd-bases/0000000000abcdef0123456789abcdef01234567/deploy"));
}

TEST_CASE("what is wrong with a reference is told where it stands") {
  Scene s;
  s.own->file("a/kustomization.yaml", "resources:\n- b.yaml\n- https://example.com/o/r//deploy\n");
  CHECK_THROWS_WITH_AS(
      s.read("a/kustomization.yaml"),
      "0123456789:a/kustomization.yaml:3:3: \"https://example.com/o/r//deploy\": no ref (add one)", Failure);
}

TEST_CASE("without other repositories a snapshot is itself") {
  const auto own = std::make_shared<Tree>();
  CHECK(render::with_bases(own, nullptr) == own);
}

}  // namespace
}  // namespace gitopsd
