// `invalid: skip`: of two that declare the same neither is applied, where one of them is invalid, as far as
// it can be told what that one declares.
#include "tests/unit/sync/world.h"

namespace gitopsd::sync::test {
namespace {

const std::string kNoYaml = "apiVersion: test/v1\nkind: [Thing\n";

struct Pair : World {
  Pair() {
    auto& web = add("web");
    web.invalid = config::InvalidPolicy::skip;
    web.substitute = {{"KNOWN", "1"}};
    start();
    apply({{"web/a.yaml", thing("a", "1")}});
  }
  /// The error of a push after which `a` is as it was, and what is valid beside it is applied.
  std::string refused(std::map<std::string, std::string> files) {
    files.emplace("web/z.yaml", thing("z", "1"));
    const auto event = ended(push(files));
    CHECK(event.state == store::EventState::failed);
    CHECK(place.value("a") == "1");
    CHECK(place.value("z") == "1");
    return event.error;
  }
};

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the other one of a document whose variable is none is not applied") {
  Pair world;
  const auto error =
      world.refused({{"web/a.yaml", thing("a", "${no name}")}, {"web/b.yaml", thing("a", "2")}});
  CHECK(says(error, "is no variable"));
  CHECK(says(error, "web/b.yaml:1:1: a is declared elsewhere, too"));
  CHECK(says(error, "correct the other at web/a.yaml:1, or"));
  CHECK_FALSE(says(error, "no longer declared"));
}

TEST_CASE("the other one of a document is not applied, whose file is invalid further down") {
  Pair world;
  world.remove("web/a.yaml");
  SUBCASE("as YAML") {
    CHECK(says(
        world.refused({{"web/x.yaml", thing("a", "2") + "---\n" + kNoYaml}, {"web/b.yaml", thing("a", "3")}}),
        "a is declared elsewhere, too"));
  }
  SUBCASE("as a manifest") {
    CHECK(says(world.refused(
                   {{"web/x.yaml", thing("a", "2") + "---\nkind: Thing\n"}, {"web/b.yaml", thing("a", "3")}}),
               "a is declared elsewhere, too"));
  }
}

TEST_CASE("what a file declared that cannot be read any more is not taken from another") {
  Pair world;
  CHECK(says(world.refused({{"web/a.yaml", kNoYaml}, {"web/b.yaml", thing("a", "2")}}),
             "web/b.yaml:1:1: a is declared elsewhere, too"));
  world.apply({{"web/a.yaml", thing("c", "1")}});
  CHECK(world.place.value("a") == "2");
}

TEST_CASE("what is known to be no twin is applied") {
  Pair world;
  const auto event =
      world.ended(world.push({{"web/a.yaml", thing("c", "${no name}")}, {"web/b.yaml", thing("a", "2")}}));
  CHECK(event.state == store::EventState::failed);
  CHECK(world.place.value("a") == "2");
}

TEST_CASE("without a hook whose variable is none nothing is applied") {
  Pair world;
  const auto event = world.ended(
      world.push({{"web/b.yaml", thing("b", "1")}, {"web/h.yaml", thing("h", "${no name}", "hook: pre")}}));
  CHECK(event.state == store::EventState::failed);
  CHECK(says(event.error, "is no variable"));
  CHECK(world.place.ids() == std::set<std::string>{"a"});
}

}  // namespace gitopsd::sync::test
