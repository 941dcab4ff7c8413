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
  out.stack = read_stack(document, Value(), "", out.problems);
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

TEST_CASE("a deployment file of Git sync is the one stack that the policy names") {
  const protocol::Document document{
      "d",
      parse_json(
          R"({"apiVersion": "aws.gitopsd.io/v1", "kind": "DeploymentFile", "template-file-path": "t/web.yaml",
                     "parameters": {"A": 1}, "tags": {"team": "x"}})"),
      {}};
  std::vector<protocol::WireProblem> problems;
  const auto stack = read_stack(document, Value(), "web-prod", problems);
  REQUIRE(stack);
  CHECK(stack->name == "web-prod");
  CHECK(stack->template_path == "/t/web.yaml");
  CHECK(stack->parameters == Texts{{"A", "1"}});
  CHECK_FALSE(read_stack(document, Value(), "", problems));
  CHECK(problems.back().message == "a deployment file does not say which stack it is of");
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
