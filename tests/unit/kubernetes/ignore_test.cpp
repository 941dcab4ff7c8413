#include "providers/kubernetes/ignore.h"

#include <doctest/doctest.h>

#include "base/json.h"
#include "providers/kubernetes/left_to_others.h"
#include "providers/kubernetes/policy.h"
#include "tests/unit/kubernetes/objects.h"

using namespace gitopsd;
using namespace gitopsd::kubernetes;

namespace {

std::string complaints_of(const std::string& rules) {
  std::vector<protocol::WireProblem> problems;
  const Value value = object_of(rules);
  parse_ignore_rules(&value, "/ignore", problems);
  std::string out;
  for (const auto& problem : problems) out += problem.pointer + ": " + problem.message + "\n";
  return out;
}

Ignored ignored_of(const std::string& rules, const Id& id) {
  std::vector<protocol::WireProblem> problems;
  const auto policy = Policy::parse(object_of("{ignore: " + rules + "}"), problems);
  REQUIRE(problems.empty());
  return policy.ignored(id);
}

const Id kWeb{{"apps", "Deployment"}, "shop", "web-1"};

/// With our entry, and perhaps another's.
Value live_of(const std::string& rest, const std::string& ours, const std::string& theirs = {}) {
  Value object = object_of(rest);
  const auto entry = [](const char* manager, const char* operation, const std::string& fields) {
    return Value::object({{"manager", manager}, {"operation", operation}, {"fieldsV1", parse_json(fields)}});
  };
  Value::Array entries{entry("gitopsd", "Apply", ours)};
  if (!theirs.empty()) entries.push_back(entry("scaler", "Update", theirs));
  object.set("metadata", Value::object({{"managedFields", std::move(entries)}}));
  return object;
}

constexpr const char* kOurs =
    R"({"f:spec":{"f:replicas":{},"f:list":{"k:{\"name\":\"a\"}":{".":{},"f:name":{},"f:image":{}}}}})";
constexpr const char* kLive = "{spec: {replicas: 7, list: [{name: x}, {name: a, image: two}]}}";
constexpr const char* kDeclared = "{spec: {replicas: 2, list: [{name: a, image: one}]}}";

}  // namespace

TEST_CASE("a rule is for the kind, the namespace and the name that it says") {
  CHECK(ignored_of("[{kind: Deployment.apps}]", kWeb).whole);
  CHECK(ignored_of("[{kind: '*', namespace: sho*, name: web-*}]", kWeb).whole);
  for (const char* other : {"[{kind: Deployment}]", "[{kind: Deployment.apps, name: web}]",
                            "[{kind: Deployment.apps, namespace: sho}]"})
    CHECK_FALSE(ignored_of(other, kWeb).whole);
  const auto both = ignored_of(
      "[{kind: '*', pointers: [/a]}, {kind: Deployment.apps, managers: [scal*]}, {kind: Pod}]", kWeb);
  CHECK_FALSE(both.whole);
  CHECK(both.pointers == std::vector<std::string>{"/a"});
  CHECK(both.is_managers("scaler"));
  CHECK_FALSE(both.is_managers("gitopsd"));
}

TEST_CASE("the key tells apart what is ignored") {
  const auto key = [](const char* rules) { return ignored_of(rules, kWeb).key(); };
  CHECK(key("[{kind: '*'}]").empty());
  CHECK(key("[{kind: '*', pointers: [/a]}]") == key("[{kind: Deployment*, pointers: [/a]}]"));
  CHECK(key("[{kind: '*', pointers: [/a]}]") != key("[{kind: '*', pointers: [/b]}]"));
  CHECK(key("[{kind: '*', pointers: [/a]}]") != key("[{kind: '*', managers: [/a]}]"));
}

TEST_CASE("rules of what to ignore that cannot be used say why and where") {
  CHECK(complaints_of("{kind: Pod}") == "/ignore: `ignore` has to be a list of rules\n");
  CHECK(complaints_of("[x, {kind: Pod, pointer: [/spec]}, {name: x}]") ==
        "/ignore/0: a rule of `ignore` is a mapping\n"
        "/ignore/1/pointer: a rule of `ignore` has no `pointer`\n"
        "/ignore/2: a rule of `ignore` needs a `kind`\n");
  CHECK(complaints_of("[{kind: Pod, pointers: [], managers: x, name: 5}]") ==
        "/ignore/0/name: `name` has to be a name, or the beginning of one and a `*`\n"
        "/ignore/0/pointers: `pointers` has to be a list of texts\n"
        "/ignore/0/managers: `managers` has to be a list of texts\n");
  for (const char* pointer : {"spec/replicas", "/spec/", "/", "/spec//x"})
    CHECK(complaints_of(std::string("[{kind: Pod, pointers: ['") + pointer + "']}]") ==
          "/ignore/0/pointers/0: '" + std::string(pointer) + "' is no pointer\n");
  for (const char* pointer :
       {"/kind", "/metadata", "/metadata/name", "/metadata/labels",
        "/metadata/annotations/gitopsd.io~1tracking-id", "/spec/containers/name=web/name"})
    CHECK(complaints_of(std::string("[{kind: Pod, pointers: ['") + pointer + "']}]")
              .find("cannot be ignored") != std::string::npos);
  CHECK(complaints_of("[{kind: Pod, managers: [git*]}]").find("/ignore/0/managers/0") == 0);
  CHECK(complaints_of("[{kind: Pod, pointers: [/spec/containers/name=web/image, "
                      "/metadata/annotations/a~1b], managers: [scaler]}]")
            .empty());
}

TEST_CASE("what pointers name is released and left out, and nothing else") {
  const auto ignored = ignored_of("[{kind: '*', pointers: [/spec/replicas, /spec/list/name=a/image]}]", kWeb);
  const Value live = live_of(kLive, kOurs);
  const LeftToOthers left(ignored, live);
  CHECK(left.ours() == std::vector<FieldPath>{{"f:spec", "f:replicas"},
                                              {"f:spec", "f:list", R"(k:{"name":"a"})", "f:image"}});
  CHECK(left.rest_of_ours(live) ==
        parse_json(R"({"f:spec":{"f:list":{"k:{\"name\":\"a\"}":{".":{},"f:name":{}}}}})"));
  CHECK(left.left_out(object_of(kDeclared)) == object_of("{spec: {list: [{name: a}]}}"));
  CHECK(left.as_it_is(object_of(kDeclared)) ==
        object_of("{spec: {replicas: 7, list: [{name: a, image: two}]}}"));
  CHECK(left.others({{"f:spec", "f:replicas"}, {"f:spec", "f:other"}}) ==
        std::vector<FieldPath>{{"f:spec", "f:other"}});
}

TEST_CASE("what we do not own is left out of a dry run, too") {
  const auto ignored = ignored_of("[{kind: '*', pointers: [/spec/replicas]}]", kWeb);
  const Value live = live_of(kLive, R"({"f:spec":{"f:other":{}}})");
  const LeftToOthers left(ignored, live);
  CHECK(left.ours().empty());
  CHECK(left.as_it_is(object_of("{spec: {replicas: 2}}")) == object_of("{}"));
}

TEST_CASE("what managers manage is left to them, but for what an item is found by") {
  const auto ignored = ignored_of("[{kind: '*', managers: [scaler]}]", kWeb);
  const Value live = live_of(
      kLive, kOurs,
      R"({"f:spec":{"f:replicas":{},"f:theirs":{},"f:list":{"k:{\"name\":\"a\"}":{".":{},"f:name":{},"f:image":{}}}}})");
  const LeftToOthers left(ignored, live);
  CHECK(left.left_out(object_of(kDeclared)) == object_of("{spec: {list: [{name: a}]}}"));
  CHECK(left.ours().size() == 2);
  const Value other = live_of(kLive, kOurs);
  CHECK(LeftToOthers(ignored, other).left_out(object_of(kDeclared)) == object_of(kDeclared));
}

TEST_CASE("whole items by their places, and one pointer within another") {
  const auto ignored = ignored_of("[{kind: '*', pointers: [/list/0, /list/2, /map, /map/a]}]", kWeb);
  const Value live = live_of("{map: {b: 1}}", R"({"f:map":{"f:b":{}}})");
  const LeftToOthers left(ignored, live);
  CHECK(left.left_out(object_of("{list: [a, b, c], map: {a: 1}, x: 1}")) == object_of("{list: [b], x: 1}"));
  CHECK(left.as_it_is(object_of("{list: [a, b, c], map: {a: 1}}")) == object_of("{list: [b], map: {b: 1}}"));
}

TEST_CASE("a pointer into what the cluster keeps whole is told") {
  const auto ignored = ignored_of("[{kind: '*', pointers: [/spec/selector/disk]}]", kWeb);
  const Value answered = live_of("{spec: {selector: {disk: ssd}}}", R"({"f:spec":{"f:selector":{}}})");
  const auto found = cut(ignored, object_of("{spec: {selector: {disk: ssd}}}"), answered);
  REQUIRE(found);
  CHECK(found->pointer == "/spec/selector/disk");
  CHECK(found->whole == "/spec/selector");
  // An empty mapping has no parts, and what others put into it is not ours.
  CHECK_FALSE(cut(ignored, object_of("{spec: {selector: {}}}"), answered));
  const Value granular =
      live_of("{spec: {selector: {disk: ssd}}}", R"({"f:spec":{"f:selector":{"f:disk":{}}}})");
  CHECK_FALSE(cut(ignored, object_of("{spec: {selector: {disk: ssd}}}"), granular));
}
