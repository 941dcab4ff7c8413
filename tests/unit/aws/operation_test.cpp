#include "providers/aws/operation.h"

#include <doctest/doctest.h>

using namespace gitopsd::aws;

namespace {

StackEvent of(const std::string& resource, const std::string& status, const std::string& reason = "") {
  StackEvent event{resource, "AWS::SQS::Queue", status, reason, "t"};
  return event;
}

StackEvent of_stack(const std::string& status, const std::string& reason = "") {
  StackEvent event{"web", "AWS::CloudFormation::Stack", status, reason, "t"};
  event.of_stack = true;
  return event;
}

}  // namespace

TEST_CASE("the first cause is neither the stack's own end nor what was cancelled for it") {
  const std::vector<StackEvent> events{
      of_stack("UPDATE_ROLLBACK_FAILED", "[B]"), of("C", "CREATE_FAILED", "later"),
      of("A", "CREATE_FAILED", "Resource creation cancelled"), of("B", "CREATE_FAILED", "it exists already"),
      of_stack("UPDATE_IN_PROGRESS", "User Initiated")};
  CHECK(first_failure(events) == "B (AWS::SQS::Queue): it exists already");
  const auto place_of = [](const std::string& id) {
    return id == "Store/B" ? "store.yaml:7" : std::string();
  };
  CHECK(first_failure(events, place_of, "Store/") ==
        "Store/B (AWS::SQS::Queue) at store.yaml:7: it exists already");
  CHECK(first_failure(events, place_of) == "B (AWS::SQS::Queue): it exists already");
  CHECK(first_failure({of_stack("DELETE_FAILED", "no right")}) ==
        "web (AWS::CloudFormation::Stack): no right");
  CHECK(first_failure({of("A", "CREATE_COMPLETE")}).empty());
}

TEST_CASE("a failure that names a Hook tells what the Hook said") {
  auto refused = of("B", "CREATE_IN_PROGRESS");
  refused.hook = "My::Own::Rule";
  refused.hook_reason = "no queue without a key";
  auto elsewhere = refused;
  elsewhere.resource = "C";
  elsewhere.hook_reason = "of another resource";
  auto other = refused;
  other.hook = "My::Own::Other";
  const auto told = [&](const std::string& reason) {
    return first_failure(
        {of_stack("ROLLBACK_COMPLETE"), of("B", "CREATE_FAILED", reason), refused, elsewhere, other});
  };
  CHECK(told("The following hook(s) failed: [My::Own::Rule]") ==
        "B (AWS::SQS::Queue): The following hook(s) failed: [My::Own::Rule]; My::Own::Rule: no queue without "
        "a key");
  CHECK(told("My::Own::Rule says: no queue without a key") ==
        "B (AWS::SQS::Queue): My::Own::Rule says: no queue without a key");
  CHECK(told("it exists already") == "B (AWS::SQS::Queue): it exists already");
}

TEST_CASE("an operation has come to what its newest event of the stack says") {
  const std::vector<StackEvent> events{of("A", "UPDATE_COMPLETE"), of_stack("UPDATE_COMPLETE"),
                                       of("A", "UPDATE_IN_PROGRESS"), of_stack("UPDATE_IN_PROGRESS")};
  CHECK(has_come_to("UPDATE_COMPLETE", "t", events));
  CHECK_FALSE(has_come_to("UPDATE_COMPLETE", "of another", events));
  CHECK_FALSE(has_come_to("UPDATE_IN_PROGRESS", "t", events));
  CHECK_FALSE(has_come_to("UPDATE_COMPLETE", "t", {of("A", "UPDATE_COMPLETE")}));
  CHECK_FALSE(has_come_to("UPDATE_COMPLETE", "t", {}));
}

TEST_CASE("progress tells failures first, then what is under way, by the newest event of each resource") {
  const std::vector<StackEvent> events{of("C", "CREATE_FAILED", "no"), of("B", "CREATE_IN_PROGRESS"),
                                       of("A", "CREATE_COMPLETE"),     of("A", "CREATE_IN_PROGRESS"),
                                       of("C", "CREATE_IN_PROGRESS"),  of_stack("CREATE_IN_PROGRESS")};
  CHECK(progress_text(events) ==
        "C (AWS::SQS::Queue) CREATE_FAILED: no; B (AWS::SQS::Queue) CREATE_IN_PROGRESS; 1 done");
  CHECK(progress_text({of_stack("CREATE_IN_PROGRESS")}).empty());
  std::vector<StackEvent> many;
  for (int i = 0; i < 20; ++i) many.push_back(of("R" + std::to_string(i), "CREATE_IN_PROGRESS"));
  CHECK(progress_text(many).ends_with("; and 12 more"));
}
