#include "daemon/render/mention.h"

#include <doctest/doctest.h>

#include "tests/unit/render/tree.h"

using namespace gitopsd;

TEST_CASE("the file that an error names is found") {
  test::Tree tree;
  tree.file("apps/web/templates/a.yaml", "a")
      .file("apps/web/kustomization.yaml", "b")
      .file("base/b.yaml", "c")
      .file("shared/charts/shop/templates/s.yaml", "d");
  const auto found = [&](std::string_view text) {
    const auto mention = render::mentioned_file(tree, {"apps/web", "shared/charts/shop"}, text);
    return mention ? mention->path + ":" + std::to_string(mention->position.line) + ":" +
                         std::to_string(mention->position.column)
                   : "none";
  };
  CHECK(found("at (shop/templates/s.yaml:3:4): oh") == "shared/charts/shop/templates/s.yaml:3:4");
  CHECK(found("Error: parse error at (web/templates/a.yaml:3): oh") == "apps/web/templates/a.yaml:3:0");
  CHECK(found("template: web/templates/a.yaml:12:7: executing") == "apps/web/templates/a.yaml:12:7");
  CHECK(found("trouble with 'base/b.yaml': yaml") == "base/b.yaml:0:0");
  CHECK(found("in kustomization.yaml or base/b.yaml") == "apps/web/kustomization.yaml:0:0");
  CHECK(found("base apps/web ../base/b.yaml /base/b.yaml .. : :: ::1 base//b.yaml") == "none");
  CHECK(found("") == "none");
  CHECK(found("a\nb\n\xff\n") == "none");
}

TEST_CASE("values of documents do not stand in errors") {
  CHECK(render::without_values("no such file") == "no such file");
  CHECK(
      render::without_values(
          "Error: map[string]interface {}{\"a\":\"}\", \"password\":\"x\"}: json: unsupported value: +Inf") ==
      "Error: (values left out): json: unsupported value: +Inf");
  CHECK(render::without_values("bad map[a:b\nc] and map[d:e]: oh") == "bad (values left out): oh");
  CHECK(render::without_values("bad map[a:b") == "bad (values left out)");
}
