#include "providers/aws/change_text.h"

#include <doctest/doctest.h>

using namespace gitopsd::aws;

TEST_CASE("a change set is told by resource and property, and what would be lost is found") {
  ChangeSet set;
  set.changes.push_back({"Add", "Queue", "AWS::SQS::Queue", "", "", "", {}});
  set.changes.push_back({"Modify",
                         "Topic",
                         "AWS::SNS::Topic",
                         "arn:t",
                         "False",
                         "",
                         {{"DisplayName", "a", "b", "Never", "Name"}}});
  CHECK(change_summary(set) == "1 to add, 1 to change");
  CHECK(change_text(set, DataGuard{DataPolicy()}) ==
        "+ Queue (AWS::SQS::Queue)\n~ Topic (AWS::SNS::Topic) arn:t\n    DisplayName: a -> b (from Name)\n");
  set.changes.push_back({"Remove", "Bucket", "AWS::S3::Bucket", "b", "", "Retain", {}});
  CHECK(change_summary(set) == "1 to add, 1 to change, 1 to let go of");
}

TEST_CASE("a deletion tells what goes and what stays") {
  CHECK(deletion_text({{"Bucket", "AWS::S3::Bucket", "b", ""},
                       {"Queue", "AWS::SQS::Queue", "", ""},
                       {"Rule", "AWS::Events::Rule", "r", ""}},
                      {"Bucket"}, DataGuard{DataPolicy()}) ==
        "= Bucket (AWS::S3::Bucket) b stays: DeletionPolicy is Retain\n"
        "- Queue (AWS::SQS::Queue) [holds data]\n"
        "- Rule (AWS::Events::Rule) r\n");
}

TEST_CASE("what takes data with it is marked, whether or not that is allowed") {
  ChangeSet set;
  set.changes.push_back({"Modify", "Table", "AWS::DynamoDB::Table", "t", "Conditional", "", {}});
  set.changes.push_back({"Modify", "Queue", "AWS::SQS::Queue", "q", "False", "", {}});
  set.changes.push_back({"Remove", "Cache", "Custom::Cache", "", "", "", {}});
  set.changes.push_back({"Remove", "Rule", "AWS::Events::Rule", "r", "", "", {}});
  DataPolicy policy;
  policy.replace = true;
  CHECK(change_text(set, DataGuard(policy)) ==
        "-/+ Table (AWS::DynamoDB::Table) t may be replaced [holds data]\n"
        "~ Queue (AWS::SQS::Queue) q\n"
        "- Cache (Custom::Cache) [holds data]\n"
        "- Rule (AWS::Events::Rule) r\n");
}

TEST_CASE("no changes are not the same as nothing to change") {
  ChangeSet set;
  set.status = "CREATE_COMPLETE";
  CHECK_FALSE(set.empty());
  CHECK(change_summary(set) == "its outputs, tags or description change");
  set.status = "FAILED";
  set.reason =
      "The submitted information didn't contain changes. Submit different information to create a change "
      "set.";
  CHECK(set.empty());
  set.reason = "Transform AWS::Serverless failed";
  CHECK_FALSE(set.empty());
}
