#include "providers/aws/stack.h"

#include <doctest/doctest.h>

#include "base/json.h"
#include "providers/aws/policy.h"

using namespace gitopsd;
using namespace gitopsd::aws;

namespace {

struct Read {
  std::optional<Stack> stack;
  std::vector<protocol::WireProblem> problems;
};

Read read_one(const std::string& spec, const std::string& name = "web") {
  Read out;
  const protocol::Document document{
      "d",
      parse_json(R"({"apiVersion": "aws.gitopsd.io/v1", "kind": "Stack", "metadata": {"name": ")" + name +
                 R"("}, "spec": )" + spec + "}"),
      {}};
  out.stack = read_stack(document, {Value(), "", "eu-central-1"}, out.problems);
  return out;
}

std::vector<std::string> pointers(const Read& read) {
  std::vector<std::string> out;
  for (const auto& problem : read.problems) out.push_back(problem.pointer);
  return out;
}

}  // namespace

TEST_CASE("parameters are texts, however they are written") {
  const auto got =
      read_one(R"({"template": "t.yaml", "parameters": {"A": "a", "B": 80, "C": true, "D": ["x", "y"]}})");
  REQUIRE(got.stack);
  CHECK(got.stack->parameters == Texts{{"A", "a"}, {"B", "80"}, {"C", "true"}, {"D", "x,y"}});
}

TEST_CASE("everything that is wrong with a stack is told") {
  CHECK(pointers(read_one(R"({"templat": "t"})")) == std::vector<std::string>{"/spec/templat", "/spec"});
  CHECK(
      pointers(read_one(
          R"({"template": "t", "parameters": {"A": [[]]}, "tags": {"aws:x": "y"}, "capabilities": ["X"]})")) ==
      std::vector<std::string>{"/spec/parameters/A", "/spec/tags", "/spec/capabilities"});
  CHECK(pointers(read_one(R"({"template": "t"})", "1web")) == std::vector<std::string>{"/metadata/name"});
}

TEST_CASE("a parameter may be an output of another stack, which then comes first") {
  const auto got = read_one(
      R"({"template": "t", "requires": ["z", "net"], "parameters": {"V": {"stack": "net", "output": "Vpc"}}})");
  REQUIRE(got.stack);
  CHECK(got.stack->from_outputs.at("V").output == "Vpc");
  CHECK(got.stack->requires_ == std::vector<std::string>{"net", "z"});
  CHECK(pointers(read_one(R"({"template": "t", "parameters": {"V": {"stack": "web", "output": "Vpc"}}})")) ==
        std::vector<std::string>{"/spec/parameters/V/stack"});
  CHECK(
      pointers(read_one(R"({"template": "t", "parameters": {"V": {"stack": "net"}}, "requires": "net"})")) ==
      std::vector<std::string>{"/spec/parameters/V", "/spec/requires"});
}

TEST_CASE("a stack may be in another region, and names others from there") {
  const auto got = read_one(
      R"({"template": "t", "region": "eu-west-1", "requires": ["a", "eu-central-1/b"],
          "parameters": {"V": {"stack": "net", "output": "Vpc"},
                         "W": {"stack": "net", "region": "eu-central-1", "output": "Vpc"}}})");
  REQUIRE(got.stack);
  CHECK(id_of(got.stack->name).str() == "stack/eu-west-1/web");
  CHECK(got.stack->from_outputs.at("V").stack == "eu-west-1/net");
  CHECK(got.stack->from_outputs.at("W").stack == "net");
  CHECK(got.stack->requires_ == std::vector<std::string>{"b", "eu-west-1/a", "eu-west-1/net", "net"});
  CHECK(StackPlace::parse("eu-west-1/net").region == "eu-west-1");
  CHECK(StackPlace::parse("net").name == "net");
  CHECK(id_of(read_one(R"({"template": "t", "region": "eu-central-1"})").stack->name).str() == "stack/web");
  CHECK(pointers(read_one(R"({"template": "t", "region": "Frankfurt"})")) ==
        std::vector<std::string>{"/spec/region"});
  CHECK(pointers(read_one(R"({"template": "t", "region": "cn-north-1"})")) ==
        std::vector<std::string>{"/spec/region"});
}

TEST_CASE("what is said of a stack beside its template") {
  const auto got = read_one(
      R"({"template": "t", "terminationProtection": true, "notifications": ["arn:aws:sns:x:1:t"],
          "onFailure": "keep", "importExisting": true, "allow": {"replace": ["Db"], "delete": ["Old"]},
          "skipInRollback": ["Db"], "stackPolicy": {"Statement": []}, "driftDetection": false})");
  REQUIRE(got.stack);
  const auto& more = got.stack->more;
  CHECK(more.protection == true);
  CHECK(more.detects_drift == false);
  CHECK(more.notifications == std::vector<std::string>{"arn:aws:sns:x:1:t"});
  CHECK(more.on_failure == "DO_NOTHING");
  CHECK(more.imports);
  CHECK(more.may_replace == std::vector<std::string>{"Db"});
  CHECK(more.may_delete == std::vector<std::string>{"Old"});
  CHECK(more.policy == R"({"Statement":[]})");
  const auto none = read_one(R"({"template": "t"})").stack->more;
  CHECK_FALSE(none.protection);
  CHECK_FALSE(none.notifications);
  CHECK_FALSE(none.has_policy());
  CHECK(read_one(R"({"template": "t", "stackPolicy": "p.json"})").stack->more.policy_file->path == "p.json");
}

TEST_CASE("everything that is wrong with the options of a stack is told") {
  CHECK(pointers(read_one(
            R"({"template": "t", "terminationProtection": 1, "notifications": ["x"], "onFailure": "stop",
                "allow": {"change": []}, "stackPolicy": {"Statements": []}, "timeoutMinutes": 5})")) ==
        std::vector<std::string>{"/spec/terminationProtection", "/spec/notifications", "/spec/onFailure",
                                 "/spec/allow/change", "/spec/stackPolicy", "/spec/timeoutMinutes"});
}

TEST_CASE("a deployment file of Git sync is the one stack that the policy names") {
  const protocol::Document document{
      "d",
      parse_json(
          R"({"apiVersion": "aws.gitopsd.io/v1", "kind": "DeploymentFile", "template-file-path": "t/web.yaml",
                     "parameters": {"A": 1}, "tags": {"team": "x"}})"),
      {}};
  std::vector<protocol::WireProblem> problems;
  const auto stack = read_stack(document, {Value(), "web-prod", "eu-central-1"}, problems);
  REQUIRE(stack);
  CHECK(stack->name == "web-prod");
  CHECK(stack->template_path == "/t/web.yaml");
  CHECK(stack->parameters == Texts{{"A", "1"}});
  CHECK(stack->capabilities.empty());
  Policy policy;
  policy.stacks = {"web-prod"};
  policy.capabilities = {"CAPABILITY_IAM"};
  policy.roles = {"arn:aws:iam::123456789012:role/deploy"};
  const auto allowed = read_stack(document, reading_with(Value(), policy, "eu-central-1"), problems);
  REQUIRE(allowed);
  CHECK(allowed->capabilities == policy.capabilities);
  CHECK(allowed->role == policy.roles.front());
  CHECK_FALSE(read_stack(document, {Value(), "", "eu-central-1"}, problems));
  CHECK(problems.back().message == "a deployment file does not say which stack it is of");
}

TEST_CASE("a policy that can never allow anything is told") {
  std::vector<protocol::WireProblem> problems;
  Policy::parse(
      parse_json(R"({"stacks": ["we*b", "web_app", "*", "web-*"], "capabilities": ["CAPABILITY_IMA"],
                               "roles": ["deploy"], "notifications": ["topic"], "regions": ["Frankfurt"],
                               "buckets": ["s3://x/y", "X_Y/z", "b/*x", "site", "site/docs*", "site-*"],
                               "exclusive": ["site/docs"]})"),
      problems);
  std::vector<std::string> told;
  for (const auto& problem : problems) told.push_back(problem.pointer);
  CHECK(told == std::vector<std::string>{"/stacks", "/stacks", "/regions", "/capabilities", "/roles",
                                         "/notifications", "/buckets", "/buckets", "/buckets"});
}

TEST_CASE("the owner's tags come to the declared ones") {
  const auto got = read_one(R"({"template": "t", "tags": {"team": "x"}})");
  const protocol::Owner owner{"i", "a"};
  const auto tags = tags_for(*got.stack, owner);
  CHECK(tags.size() == 3);
  CHECK(owner_of(tags) == owner);
  CHECK_FALSE(owner_of({{"team", "x"}}));
}

TEST_CASE("what the policy does not name is not allowed") {
  std::vector<protocol::WireProblem> problems;
  const auto policy =
      Policy::parse(parse_json(R"({"stacks": ["web*"], "capabilities": ["CAPABILITY_IAM"]})"), problems);
  CHECK(problems.empty());
  const auto got = read_one(
      R"({"template": "t", "capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"], "role": "arn:r"})");
  CHECK(breaches(policy, *got.stack).size() == 2);
  CHECK(breaches(Policy(), *got.stack).size() == 4);
  CHECK(policy.allows_stack("web"));
  CHECK(policy.allows_stack("web-1"));
  CHECK_FALSE(policy.allows_stack("db"));
  CHECK(policy.only_stack().empty());
  CHECK(Policy::parse(parse_json(R"({"stacks": ["db"]})"), problems).only_stack() == "db");
}

TEST_CASE("regions, topics, and what may be lost are the policy's to allow") {
  std::vector<protocol::WireProblem> problems;
  const auto got = read_one(
      R"({"template": "t", "region": "eu-west-1", "notifications": ["arn:t"],
          "allow": {"replace": ["A"], "delete": ["B"]}})");
  REQUIRE(got.stack);
  const auto refused = breaches(Policy::parse(parse_json(R"({"stacks": ["web"]})"), problems), *got.stack);
  std::vector<std::string> pointers;
  for (const auto& problem : refused) pointers.push_back(problem.pointer);
  CHECK(pointers == std::vector<std::string>{"/spec/region", "/spec/notifications", "/spec/allow/replace",
                                             "/spec/allow/delete"});
  const auto policy =
      Policy::parse(parse_json(R"({"stacks": ["web"], "regions": ["eu-west-1"], "notifications": ["arn:*"],
                     "data": {"types": ["AWS::EC2::NatGateway"], "declared": ["replace", "delete"]},
                     "driftDetection": 900})"),
                    problems);
  CHECK(problems.empty());
  CHECK(breaches(policy, *got.stack).empty());
  CHECK(policy.drift_detection == std::chrono::seconds(900));
  CHECK(policy.allows_stack("eu-west-1/web"));
  CHECK_FALSE(policy.allows_stack("eu-west-2/web"));
  Policy::parse(parse_json(R"({"data": {"allow": ["keep"]}, "driftDetection": "often"})"), problems);
  REQUIRE(problems.size() == 2);
  CHECK(problems[0].pointer == "/data/allow");
  CHECK(problems[1].pointer == "/driftDetection");
}
