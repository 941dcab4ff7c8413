#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "daemon/render/render.h"
#include "tests/unit/slower.h"

using gitopsd::config::Application;
using gitopsd::render::glob_match;
using gitopsd::render::is_manifest;

TEST_CASE("a glob matches the whole path, a star within a component") {
  CHECK(glob_match("*.yaml", "a.yaml"));
  CHECK(glob_match("*.yaml", ".yaml"));
  CHECK_FALSE(glob_match("*.yaml", "a.yaml.bak"));
  CHECK_FALSE(glob_match("*.yaml", "d/a.yaml"));
  CHECK(glob_match("d/*.yaml", "d/a.yaml"));
  CHECK_FALSE(glob_match("d/*.yaml", "d/e/a.yaml"));
  CHECK(glob_match("a*b*c", "aXbXbc"));
  CHECK_FALSE(glob_match("a*b*c", "aXcXb"));
  CHECK(glob_match("", ""));
  CHECK_FALSE(glob_match("", "a"));
  CHECK(glob_match("a", "a"));
  CHECK_FALSE(glob_match("a", "A"));
}

TEST_CASE("two stars go across components") {
  CHECK(glob_match("**/*.yaml", "a.yaml"));
  CHECK(glob_match("**/*.yaml", "d/e/f/a.yaml"));
  CHECK(glob_match("drafts/**", "drafts/a.yaml"));
  CHECK(glob_match("drafts/**", "drafts/d/a.yaml"));
  CHECK_FALSE(glob_match("drafts/**", "drafts"));
  CHECK_FALSE(glob_match("drafts/**", "other/drafts/a.yaml"));
  CHECK(glob_match("a/**/b", "a/b"));
  CHECK(glob_match("a/**/b", "a/x/y/b"));
  CHECK_FALSE(glob_match("a/**/b", "a/xb"));
  CHECK_FALSE(glob_match("**/b", "ab"));
  CHECK(glob_match("**", "any/thing"));
  CHECK(glob_match("a**z", "a/b/z"));
  CHECK(glob_match("**/test/**", "x/test/y"));
  CHECK(glob_match("**/test/**", "test/y"));
}

TEST_CASE("one character, and sets of characters") {
  CHECK(glob_match("a?c", "abc"));
  CHECK(glob_match("a?c",
                   "a\xc3\xa9"
                   "c"));
  CHECK_FALSE(glob_match("a?c", "a/c"));
  CHECK_FALSE(glob_match("a?c", "ac"));
  CHECK(glob_match("[a-c]x", "bx"));
  CHECK_FALSE(glob_match("[a-c]x", "dx"));
  CHECK(glob_match("[!a-c]x", "dx"));
  CHECK(glob_match("[^a-c]x", "dx"));
  CHECK_FALSE(glob_match("[!a-c]x", "bx"));
  CHECK_FALSE(glob_match("a[!b]c", "a/c"));
  CHECK(glob_match("[]]", "]"));
  CHECK(glob_match("[a-]", "-"));
  CHECK(glob_match("[\xc3\xa4-\xc3\xbc]", "\xc3\xb6"));
  CHECK(glob_match("[a", "[a"));
  CHECK(glob_match("\\*", "*"));
  CHECK_FALSE(glob_match("\\*", "a"));
  CHECK(glob_match("[\\]]", "]"));
  CHECK(glob_match("?", "\xff"));
}

TEST_CASE("many stars stay quick") {
  std::string pattern, path(2000, 'a');
  for (int i = 0; i < 60; ++i) pattern += "*a**";
  const auto start = std::chrono::steady_clock::now();
  CHECK_FALSE(glob_match(pattern + "b", path));
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5) * gitopsd::test::kSlower);
}

TEST_CASE("without include globs, everything that looks like a manifest and is not hidden is one") {
  Application application;
  for (const char* path : {"a.yaml", "a.yml", "a.json", "d/e/a.yaml", "a.b/c.d.yaml"}) {
    CAPTURE(path);
    CHECK(is_manifest(application, path));
  }
  for (const char* path : {"README.md", "a.yaml.tmpl", "yaml", ".github/workflows/ci.yaml", "d/.hidden.yaml",
                           "a.YAML", "a.jsonnet", "..yaml/a.yaml"}) {
    CAPTURE(path);
    CHECK_FALSE(is_manifest(application, path));
  }
  application.exclude = {"drafts/**", "**/values.yaml"};
  CHECK_FALSE(is_manifest(application, "drafts/a.yaml"));
  CHECK_FALSE(is_manifest(application, "values.yaml"));
  CHECK_FALSE(is_manifest(application, "chart/values.yaml"));
  CHECK(is_manifest(application, "a.yaml"));
}

TEST_CASE("include globs say it all, and exclude wins") {
  Application application;
  application.include = {"*.conf", ".hidden/*.yaml"};
  CHECK(is_manifest(application, "a.conf"));
  CHECK(is_manifest(application, ".hidden/a.yaml"));
  CHECK_FALSE(is_manifest(application, "a.yaml"));
  CHECK_FALSE(is_manifest(application, "d/a.conf"));
  application.exclude = {"a.*"};
  CHECK_FALSE(is_manifest(application, "a.conf"));
  CHECK(is_manifest(application, "b.conf"));
}
