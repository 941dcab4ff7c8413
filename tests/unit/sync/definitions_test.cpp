// What a document defines for others, among so many that the provider is asked in parts.
#include "tests/unit/sync/world.h"

namespace gitopsd::sync::test {
namespace {

constexpr int kMany = 1100;  // three parts

/// That many things in one file, with these lines in the spec of some.
std::string many_things(const std::map<int, std::string>& lines) {
  std::string all;
  for (int i = 0; i < kMany; ++i) {
    const auto line = lines.find(i);
    all += "---\n" + thing("t" + std::to_string(i), "1", line == lines.end() ? "" : line->second);
  }
  return all;
}

}  // namespace

TEST_CASE("what a document defines holds in all parts of a commit, whichever it is in") {
  for (const int at : {0, 700, kMany - 1}) {
    CAPTURE(at);
    World world;
    world.add("web");
    world.start();
    world.apply({{"web/all.yaml", many_things({{at, "defines: apples"},
                                               {1, "of: apples"},
                                               {600, "of: apples"},
                                               {kMany - 2, "of: apples"}})}});
    CHECK(world.place.ids().size() == kMany);
    CHECK(world.place.resolves() == (at == 0 ? 3 : 4));  // what came too early, once more and together

    const int before = world.place.resolves();
    world.apply(
        {{"web/a.yaml", thing("a", "1", "of: pears")}, {"web/b.yaml", thing("b", "1", "defines: pears")}});
    CHECK(world.place.value("a") == "1");
    CHECK(world.place.resolves() == before + 1);
  }
}

TEST_CASE("what nobody defines is refused at its place, once each") {
  World world;
  world.add("web");
  world.start();
  const auto event = world.ended(world.push(
      {{"web/all.yaml",
        many_things(
            {{kMany - 1, "defines: apples"}, {0, "of: pears"}, {1, "of: apples"}, {600, "of: plums"}})}}));
  CHECK(event.state == store::EventState::failed);
  for (const std::string said : {"web/all.yaml:7:7: nobody defines pears", "nobody defines plums"}) {
    CAPTURE(event.error);
    const auto first = event.error.find(said);
    REQUIRE(first != std::string::npos);
    CHECK(event.error.find(said, first + 1) == std::string::npos);
  }
  CHECK(event.error.find("nobody defines apples") == std::string::npos);
  CHECK(world.place.ids().empty());
}

TEST_CASE("without any definition nothing is asked twice") {
  World world;
  world.add("web");
  world.start();
  const auto event =
      world.ended(world.push({{"web/all.yaml", many_things({{0, "of: pears"}, {600, "of: plums"}})}}));
  CHECK(event.state == store::EventState::failed);
  CHECK(world.place.resolves() == 3);
}

}  // namespace gitopsd::sync::test
