#include "providers/kubernetes/health_rule.h"

#include <doctest/doctest.h>

#include "providers/kubernetes/health.h"
#include "tests/unit/kubernetes/objects.h"

using namespace gitopsd;
using namespace gitopsd::kubernetes;
using protocol::Health;

namespace {

std::vector<HealthRule> rules_of(const std::string& yaml) {
  std::vector<protocol::WireProblem> problems;
  const Value value = object_of("rules: " + yaml);
  auto rules = parse_health_rules(value.find("rules"), "/health", problems);
  REQUIRE(problems.empty());
  return rules;
}

/// "POINTER: MESSAGE (HINT)" of each problem.
std::vector<std::string> rule_problems(const std::string& yaml) {
  std::vector<protocol::WireProblem> problems;
  const Value value = object_of("rules: " + yaml);
  parse_health_rules(value.find("rules"), "/health", problems);
  std::vector<std::string> out;
  for (const auto& problem : problems) {
    CHECK(problem.cause == ProblemCause::input);
    out.push_back(problem.pointer + ": " + problem.message +
                  (problem.hint.empty() ? "" : " (" + problem.hint + ")"));
  }
  return out;
}

Value rollout(const std::string& status) {
  return object_of(
      "{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: web}, status: " + status + "}");
}

constexpr const char* kRollouts = R"([
  {group: argoproj.io, kind: Rollout, when: [{pointer: /status/phase, equals: Degraded}], health: Degraded, reason: /status/message},
  {group: argoproj.io, kind: Rollout, when: [{pointer: /status/conditions/type=Paused/status, equals: "True"}, {pointer: /status/abort, exists: false}], health: suspended},
  {group: argoproj.io, kind: Rollout, when: [{pointer: /status/ready, equals: 3}], health: healthy, reason: /status/ready},
  {group: argoproj.io, kind: Rollout, when: [{pointer: /status/phase, exists: true}], health: progressing},
  {kind: Service, when: [], health: healthy}])";

}  // namespace

TEST_CASE("the first rule that matches decides") {
  const auto rules = rules_of(kRollouts);
  const auto judged = [&](const std::string& status) { return judge_health(rollout(status), rules); };
  CHECK(judged("{phase: Degraded, message: 'canary failed', ready: 3}").health == Health::degraded);
  CHECK(judged("{phase: Degraded, message: 'canary failed'}").reason == "canary failed");
  CHECK(judged("{phase: Degraded}").reason == "by the rule for Rollout.argoproj.io");
  CHECK(judged("{conditions: [{type: X, status: 'False'}, {type: Paused, status: 'True'}]}").health ==
        Health::suspended);
  CHECK(judged("{abort: true, phase: x, conditions: [{type: Paused, status: 'True'}]}").health ==
        Health::progressing);
  CHECK(judged("{abort: null, conditions: [{type: Paused, status: 'True'}]}").health == Health::suspended);
  CHECK(judged("{ready: 3.0}").health == Health::healthy);
  CHECK(judged("{ready: 3}").reason == "3");
  CHECK(judged("{ready: '3', phase: x}").health == Health::progressing);
  CHECK(judged("{}").health == Health::healthy);  // no rule: by what any kind tells
  CHECK(judged("{conditions: [{type: Ready, status: 'False'}]}").health == Health::progressing);
}

TEST_CASE("a rule is for one group and kind, and goes before what is built in") {
  const auto rules = rules_of(kRollouts);
  const Value service = object_of(
      "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {type: LoadBalancer}, status: "
      "{loadBalancer: {}}}");
  CHECK(judge_health(service, {}).health == Health::progressing);
  CHECK(judge_health(service, rules).health == Health::healthy);
  CHECK(judge_health(service, rules).reason == "by the rule for Service");
  const Value knative = edited(service, {{"/apiVersion", "serving.knative.dev/v1"}});
  CHECK(judge_health(knative, rules).reason.empty());
}

TEST_CASE("rules that cannot be used say why and where") {
  using Lines = std::vector<std::string>;
  CHECK(rule_problems("~").empty());
  CHECK(
      rule_problems("{kind: A}") ==
      Lines{
          "/health: health: expected a list of rules, found object (write health: [{kind: ..., when: [...], "
          "health: ...}])"});
  CHECK(rule_problems("[a]") == Lines{"/health/0: health: expected a mapping, found string (known keys are "
                                      "group, kind, when, health, reason)"});
  CHECK(rule_problems("[{knd: A, health: helthy}]") ==
        Lines{"/health/0/knd: health: unknown key 'knd' (did you mean 'kind'?)",
              "/health/0: health: a rule needs 'kind' (name the kind it is for)",
              "/health/0/health: health: there is no health 'helthy' (did you mean 'healthy'?)"});
  CHECK(rule_problems("[{kind: 3, reason: status}]") ==
        Lines{"/health/0/kind: health: 'kind' must be a string, found integer (quote it)",
              "/health/0: health: a rule needs 'health' (one of unknown, healthy, progressing, degraded, "
              "suspended, missing)",
              "/health/0/reason: health: 'status' is no pointer (write it as /status/phase)"});
  CHECK(rule_problems("[{kind: A, health: healthy, when: {}}]") ==
        Lines{"/health/0/when: health: 'when' must be a list, found object (write when: [...])"});
  const std::string mapping =
      "/health/1/when/3: health: expected a mapping, found integer (known keys are pointer, equals, exists)";
  CHECK(
      rule_problems(
          "[{kind: A, health: healthy}, {kind: A, health: healthy, when: [{pointer: /a, equals: ~}, "
          "{equals: 1, exists: true}, {pointer: a, exists: 'yes'}, 7]}]") ==
      Lines{
          "/health/1/when/0: health: a test needs 'equals' or 'exists' (for null, write exists: false)",
          "/health/1/when/1: health: a test needs 'pointer' (write it as /status/phase)",
          "/health/1/when/1: health: a test has either 'equals' or 'exists' (for null, write exists: false)",
          "/health/1/when/2/pointer: health: 'a' is no pointer (write it as /status/phase)",
          "/health/1/when/2/exists: health: 'exists' must be true or false", mapping});
}
