#include "providers/aws/nested_stacks.h"

#include <doctest/doctest.h>

using namespace gitopsd::aws;

TEST_CASE("a template may nest stacks by their type, or by what a transform makes of it") {
  CHECK(may_nest("Resources: {A: {Type: AWS::CloudFormation::Stack}}"));
  CHECK(may_nest(R"({"Resources":{"A":{"Type":"AWS::Serverless::Application"}}})"));
  CHECK(may_nest("Transform: AWS::Serverless-2016-10-31"));
  CHECK(may_nest("Resources: {Fn::Transform: {Name: AWS::Include}}"));
  CHECK_FALSE(may_nest("Resources: {Queue: {Type: AWS::SQS::Queue}}"));
}
