// What is told of many problems.
#include "daemon/sync/problems.h"

#include <doctest/doctest.h>

using namespace gitopsd;
using gitopsd::sync::describe;
using gitopsd::sync::told_once;

namespace {

Problem problem_of(std::string message, ProblemCause cause = ProblemCause::transient, std::string hint = {}) {
  return {cause, std::move(message), std::move(hint), {}, {}};
}

}  // namespace

TEST_CASE("what is the same of many resources is told once, with their number and a few of their names") {
  std::vector<Problem> problems;
  for (int i = 0; i < 2001; ++i) {
    const std::string id = "ConfigMap/big/c" + std::to_string(i);
    const std::string why = "context 'tests' of /tmp/kubeconfig cannot be reached: Connection refused";
    // A plan and a step say it in their own ways.
    problems.push_back(
        problem_of(i % 2 == 0 ? "cannot read " + id + ": " + why : id + ": cannot apply " + id + ": " + why));
  }
  CHECK(describe(problems) ==
        "context 'tests' of /tmp/kubeconfig cannot be reached: Connection refused (2,001 resources: "
        "ConfigMap/big/c0, ConfigMap/big/c1, ConfigMap/big/c2 and 1,998 more)");
  problems.insert(problems.begin() + 7, problem_of("Secret/big/s: it is not ours", ProblemCause::conflict));
  REQUIRE(told_once(problems).size() == 2);
  CHECK(told_once(problems)[1] == "Secret/big/s: it is not ours");
}

TEST_CASE("few are told one by one, each at its place, and so is what differs") {
  std::vector<Problem> problems;
  for (const auto* name : {"a", "b", "c"}) {
    problems.push_back({ProblemCause::input,
                        std::string("ConfigMap/w/") + name + ": unknown field",
                        "",
                        "f.yaml",
                        {static_cast<int>(problems.size()) + 1, 3}});
  }
  CHECK(describe(problems) ==
        "f.yaml:1:3: ConfigMap/w/a: unknown field\nf.yaml:2:3: ConfigMap/w/b: unknown field\n"
        "f.yaml:3:3: ConfigMap/w/c: unknown field");
  for (int i = 4; i <= 30; ++i)
    problems.push_back({ProblemCause::input, "ConfigMap/w/x: unknown field", "", "g.yaml", {i, 3}});
  CHECK(describe(problems) ==
        "unknown field (30 resources: f.yaml:1:3: ConfigMap/w/a, f.yaml:2:3: ConfigMap/w/b, "
        "f.yaml:3:3: ConfigMap/w/c and 27 more)");
  problems.assign(20, {ProblemCause::input, "invalid YAML: no value", "", "f.yaml", {1, 3}});
  CHECK(told_once(problems) == std::vector<std::string>(20, "f.yaml:1:3: invalid YAML: no value"));
  problems.push_back(problems.front());
  CHECK(describe(problems) ==
        "invalid YAML: no value (21 places: f.yaml:1:3, f.yaml:1:3, f.yaml:1:3 and 18 more)");
  problems.clear();
  for (int i = 0; i < 6; ++i)
    problems.push_back(problem_of("Pod/w/p" + std::to_string(i) + ": it is " + std::to_string(i)));
  CHECK(told_once(problems).size() == 6);
}

TEST_CASE("the way out and what somebody is are part of what is told") {
  std::vector<Problem> problems;
  for (int i = 0; i < 5; ++i)
    problems.push_back(problem_of("Pod/w/p" + std::to_string(i) + " is Degraded: no node",
                                  ProblemCause::destination, "add nodes"));
  CHECK(describe(problems) ==
        "is Degraded: no node (5 resources: Pod/w/p0, Pod/w/p1, Pod/w/p2 and 2 more) (add nodes)");
  problems.back().hint = "wait";
  CHECK(told_once(problems).size() == 2);
}

TEST_CASE("what names no resource is counted, and beyond twenty lines only counted") {
  std::vector<Problem> problems(5, problem_of("the provider died"));
  CHECK(describe(problems) == "the provider died (5 times)");
  problems.clear();
  for (int i = 0; i < 25; ++i) problems.push_back(problem_of("no " + std::to_string(i)));
  CHECK(describe(problems).ends_with("no 19\n... and 5 more"));
}
