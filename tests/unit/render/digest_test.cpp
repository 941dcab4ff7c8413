#include <doctest/doctest.h>

#include "base/json.h"
#include "base/yaml.h"
#include "daemon/render/render.h"

using gitopsd::parse_json;
using gitopsd::parse_yaml;
using gitopsd::render::document_digest;

TEST_CASE("a digest depends on the content and the key, and on nothing else") {
  const auto a = parse_yaml("b: 1\na: [x, {c: 0x10}]\n", "a")[0];
  const std::string digest = document_digest("key", a, {});
  CHECK(digest.size() == 64);
  CHECK(digest == document_digest("key", parse_yaml("# moved\n\na: ['x', c: 16]\nb: 1", "b")[0], {}));
  CHECK(digest == document_digest("key", parse_json(R"({"a":["x",{"c":16}],"b":1})"), {}));
  CHECK(digest != document_digest("other key", a, {}));
  CHECK(digest != document_digest("key", parse_json(R"({"a":["x",{"c":16}],"b":"1"})"), {}));
  CHECK(digest != document_digest("key", parse_json(R"({"a":["x",{"c":16.0}],"b":1})"), {}));
  CHECK(digest != document_digest("key", parse_json(R"({"a":["x",{"c":16}],"b":1,"n":null})"), {}));
}

TEST_CASE("a digest covers the files that the document refers to, by name, in any order") {
  const auto v = parse_json("{}");
  const std::string digest = document_digest("key", v, {{"a", "1"}, {"b", "2"}});
  CHECK(digest == document_digest("key", v, {{"b", "2"}, {"a", "1"}}));
  CHECK(digest != document_digest("key", v, {}));
  CHECK(digest != document_digest("key", v, {{"a", "1"}}));
  CHECK(digest != document_digest("key", v, {{"a", "2"}, {"b", "1"}}));
  // The parts are delimited: no other split of the same letters is the same.
  CHECK(document_digest("key", v, {{"ab", "c"}}) != document_digest("key", v, {{"a", "bc"}}));
}
