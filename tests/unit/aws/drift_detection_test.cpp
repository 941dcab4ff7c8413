#include "providers/aws/drift_detection.h"

#include <doctest/doctest.h>

using namespace gitopsd::aws;

namespace {

DriftReport report() {
  DriftReport out;
  out.drifted.push_back({"Queue", "AWS::SQS::Queue", "q", "MODIFIED", {{"/DelaySeconds", "5", "7"}}});
  out.drifted.push_back({"Topic", "AWS::SNS::Topic", "t", "DELETED", {}});
  out.unchecked = {"Custom::Odd"};
  return out;
}

ChangeSet set_of(std::vector<ResourceChange> changes) {
  ChangeSet set;
  set.changes = std::move(changes);
  return set;
}

const ResourceChange kMended{"Modify", "Queue", "AWS::SQS::Queue", "q", "False", "", {}};

}  // namespace

TEST_CASE("drift is told by property, and so is what was not compared") {
  CHECK(drift_text(report()) ==
        "~ Queue (AWS::SQS::Queue) q\n    /DelaySeconds: applied 5, found 7\n"
        "- Topic (AWS::SNS::Topic) t is not there any more\n"
        "not compared, since drift detection does not know them: Custom::Odd\n");
}

TEST_CASE("drift is put back only where nothing else is touched, and nothing replaced or deleted") {
  CHECK(why_not(set_of({kMended}), report()).empty());
  CHECK(why_not(set_of({kMended, {"SyncWithActual", "Other", "AWS::SQS::Queue", "o", "", "", {}}}), report())
            .empty());
  CHECK(why_not(set_of({kMended, {"Modify", "Role", "AWS::IAM::Role", "r", "False", "", {}}}), report()) ==
        "it would change Role (AWS::IAM::Role), which drift detection found as it was applied");
  CHECK(why_not(set_of({{"Modify", "Queue", "AWS::SQS::Queue", "q", "True", "ReplaceAndDelete", {}}}),
                report()) == "it would replace Queue (AWS::SQS::Queue)");
  CHECK(why_not(set_of({{"Remove", "Queue", "AWS::SQS::Queue", "q", "", "Delete", {}}}), report()) ==
        "it would delete Queue (AWS::SQS::Queue)");
  CHECK(drift_reason(report()) ==
        "Queue (AWS::SQS::Queue) /DelaySeconds is 7, applied was 5; Topic (AWS::SNS::Topic) is not there any "
        "more");
  CHECK(why_not(set_of({}), report()) == "CloudFormation finds nothing to put back");
}

TEST_CASE("a resource that was deleted is made again, and what refers to it may follow") {
  const ResourceChange made{"Add", "Topic", "AWS::SNS::Topic", "", "", "", {}};
  ResourceChange replaced{"Modify", "Topic", "AWS::SNS::Topic", "t", "True", "ReplaceAndDelete", {}};
  ResourceChange follower{
      "Modify", "Rule", "AWS::Events::Rule", "r", "False", "", {{"Target", "t", "", "Never", "Topic.Arn"}}};
  CHECK(why_not(set_of({kMended, made, follower}), report()).empty());

  CHECK(why_not(set_of({replaced}), report()) == "it would replace Topic (AWS::SNS::Topic)");
  replaced.drift = "DELETED";
  CHECK(why_not(set_of({replaced}), report()).empty());

  CHECK(why_not(set_of({made, {"Add", "Queue", "AWS::SQS::Queue", "", "", "", {}}}), report()) ==
        "it would make Queue (AWS::SQS::Queue), which is not known to be deleted");
  follower.properties.push_back({"Name", "a", "b", "Never", ""});
  CHECK(why_not(set_of({made, follower}), report()) ==
        "it would change Rule (AWS::Events::Rule), which drift detection found as it was applied");
  follower.properties.pop_back();
  follower.replacement = "Conditional";
  CHECK(why_not(set_of({made, follower}), report()) == "it would replace Rule (AWS::Events::Rule)");
}

TEST_CASE("drift of nested stacks alone is out of reach") {
  DriftReport nested;
  nested.drifted.push_back({"Store/Queue", "AWS::SQS::Queue", "q", "MODIFIED", {}});
  CHECK(out_of_reach(nested) ==
        "CloudFormation has no drift-aware change sets of nested stacks (Store/Queue)");
  nested.drifted.push_back({"Queue", "AWS::SQS::Queue", "q", "MODIFIED", {}});
  CHECK(out_of_reach(nested).empty());
}
