#include "providers/aws/order.h"

#include <doctest/doctest.h>

using namespace gitopsd;
using namespace gitopsd::aws;

namespace {

Stack named(const std::string& name, std::vector<std::string> before = {}) {
  Stack stack;
  stack.name = stack.document = name;
  stack.requires_ = std::move(before);
  return stack;
}

}  // namespace

TEST_CASE("stacks come after those that they require") {
  std::vector<Stack> stacks{named("a", {"c", "elsewhere"}), named("b"), named("c", {"d"}), named("d")};
  std::vector<protocol::WireProblem> problems;
  const auto levels = sort_by_requirements(stacks, problems);
  std::string order;
  for (const auto& stack : stacks) order += stack.name;
  CHECK(order == "dcab");
  CHECK(levels == std::vector<int>{0, 1, 2, 0});
  CHECK(problems.empty());
}

TEST_CASE("stacks that go, go before those that they require") {
  CHECK(levels_of_leaving({"a", "b", "c", "d"}, {{"b", "elsewhere"}, {"c"}, {}, {"c"}}) ==
        std::vector<int>{0, 1, 2, 0});
  CHECK(levels_of_leaving({"a", "b"}, {{"a"}, {}}) == std::vector<int>{0, 0});
  CHECK(levels_of_leaving({"a", "b"}, {{"b"}, {"a"}}).size() == 2);
}

TEST_CASE("a circle is a problem of each stack in it") {
  std::vector<Stack> stacks{named("a", {"b"}), named("b", {"c"}), named("c", {"b"}), named("d", {"d"})};
  std::vector<protocol::WireProblem> problems;
  sort_by_requirements(stacks, problems);
  REQUIRE(problems.size() == 3);
  CHECK(problems[0].message == "stacks require each other in a circle: b -> c -> b");
  CHECK(problems[0].document == "b");
  CHECK(problems[2].document == "d");
  CHECK(stacks.size() == 4);
}
