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
