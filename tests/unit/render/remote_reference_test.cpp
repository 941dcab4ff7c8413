// Bases on a network, as kustomize names them: the examples are those of its own documentation and tests.
#include "daemon/render/remote_reference.h"

#include <doctest/doctest.h>

using namespace gitopsd;

namespace {

std::string parts(const std::string& text) {
  const auto found = render::remote_reference(text);
  return found ? found->host + " | " + found->url + " | " + found->path + " | " + found->ref : "a path";
}

}  // namespace

TEST_CASE("a base on a network is taken apart as kustomize does it") {
  CHECK(
      parts(
          "https://github.com/kubernetes-sigs/kustomize//examples/multibases/dev/?timeout=120&ref=v3.3.1") ==
      "github.com | https://github.com/kubernetes-sigs/kustomize | examples/multibases/dev/ | v3.3.1");
  CHECK(parts("https://github.com/kubernetes-sigs/kustomize/examples/multibases?version=v1") ==
        "github.com | https://github.com/kubernetes-sigs/kustomize | examples/multibases | v1");
  CHECK(parts("github.com/owner/repo") == "github.com | https://github.com/owner/repo |  | ");
  CHECK(parts("GitHub.com:owner/repo.git//a?ref=x") ==
        "github.com | https://github.com/owner/repo.git | a | x");
  CHECK(parts("git@github.com:owner/repo//a/b?ref=v1") ==
        "github.com | git@github.com:owner/repo | a/b | v1");
  CHECK(parts("ssh://git@github.com/owner/repo.git/a") ==
        "github.com | git@github.com:owner/repo.git | a | ");
  CHECK(parts("git::https://git.example.com/team/repo//x?ref=main") ==
        "git.example.com | https://git.example.com/team/repo | x | main");
  CHECK(parts("git@gitlab.example.com:group/sub/repo.git/app") ==
        "gitlab.example.com | git@gitlab.example.com:group/sub/repo.git | app | ");
  CHECK(parts("ssh://git@git.example.com:2222/team/repo//app?version=v2&ref=v3") ==
        "git.example.com:2222 | ssh://git@git.example.com:2222/team/repo | app | v3");
  CHECK(parts("https://org@dev.azure.com/org/project/_git/repo/path/to?ref=main") ==
        "dev.azure.com | https://org@dev.azure.com/org/project/_git/repo | path/to | main");
  CHECK(parts("file:///srv/git/repo.git//a") == " | file:///srv/git/repo.git | a | ");
  CHECK(parts("HTTP://Example.com/a.yaml") == "example.com | http://Example.com/a.yaml |  | ");
}

TEST_CASE("a path is no base on a network") {
  for (const auto* path :
       {"../base", "./a:b", "base", "example.com/owner/repo", "/srv/x", "", "a@b/c", "https:/a/b", "@x:y",
        "git::base", "a?ref=b", "https://", "https://host", "user@host"}) {
    CAPTURE(path);
    CHECK(parts(path) == "a path");
  }
}

TEST_CASE("the way out is said in full") {
  CHECK(render::vendor_hint(*render::remote_reference("https://github.com/o/r.git//a/b?ref=v1")) ==
        "commit a copy: git subtree add --squash --prefix vendor/r https://github.com/o/r.git v1, and name "
        "vendor/r/a/b");
  CHECK(render::vendor_hint(*render::remote_reference("git@example.com:r.git")) ==
        "commit a copy: git subtree add --squash --prefix vendor/r git@example.com:r.git REF, and name "
        "vendor/r");
}
