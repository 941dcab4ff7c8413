#include "providers/aws/drift_detection.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>

#include "base/timestamp.h"

using namespace gitopsd;
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

/// Both of its times are set by hand.
class TwoClocks : public Clock {
 public:
  WallMicros wall() const override { return wall_; }
  Monotonic::time_point monotonic() const override { return Monotonic::time_point(passed_.load()); }
  void pass(std::chrono::microseconds time) {
    passed_ = passed_.load() + time;
    wall_ += time.count();
  }
  void set_back(std::chrono::microseconds time) { wall_ -= time.count(); }

 private:
  std::atomic<WallMicros> wall_ = *parse_rfc3339("2026-11-24T12:00:00Z");
  std::atomic<Monotonic::duration> passed_{std::chrono::hours(100)};
};

/// A detection that is asked for stacks, each in a region of its own, and finds out nothing.
class Detecting : public protocol::Notifier {
 public:
  Detecting() : detection_(region(), clock, std::shared_ptr<protocol::Notifier>(this, [](auto*) {})) {}

  void want(const std::string& stack, const std::string& checked = {}) {
    detection_.want(
        {"web", ResourceId("stack/" + stack), stack, stack, "", checked, std::chrono::minutes(10)});
  }
  /// What was done, in order: "a" of the stack's detection, "a?" where somebody is asked whether he wants it
  /// still; once there is so much, and its thread has nothing else to do.
  std::vector<std::string> done(std::size_t count) {
    std::unique_lock lock(mutex_);
    more_.wait_for(lock, kPatience, [&] { return done_.size() >= count; });
    const int before = idle_;
    lock.unlock();
    want(kLast);
    lock.lock();
    REQUIRE(more_.wait_for(lock, kPatience, [&] { return idle_ > before; }));
    lock.unlock();
    detection_.forget(kLast);
    lock.lock();
    return done_;
  }

  void changed(const protocol::Changed& what) override { add(what.ids.front().str().substr(6) + "?"); }
  void context(const protocol::ContextChanged&) override {}
  void condition(const protocol::Condition&) override {}
  void identified(const protocol::Identified&) override {}

  TwoClocks clock;

 private:
  static constexpr std::chrono::seconds kPatience{60};
  static constexpr const char* kLast = "~";

  DriftDetection::Region region() {
    return [this](const std::string& stack) -> CloudFormation& {
      add(stack);
      throw ApiError({ProblemCause::destination, "refused", {}, {}, {}}, "ValidationError", "not now");
    };
  }
  void add(std::string what) {
    const std::lock_guard lock(mutex_);
    if (what == kLast)
      ++idle_;
    else
      done_.push_back(std::move(what));
    more_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable more_;
  std::vector<std::string> done_;
  int idle_ = 0;
  DriftDetection detection_;  // the last: its thread uses what is above
};

using Done = std::vector<std::string>;

}  // namespace

TEST_CASE("drift is told by property, and so is what was not compared") {
  CHECK(drift_text(report()) ==
        "~ Queue (AWS::SQS::Queue) q\n    /DelaySeconds: applied 5, found 7\n"
        "- Topic (AWS::SNS::Topic) t is not there any more\n"
        "not compared, since drift detection does not know them: Custom::Odd\n");
  DriftReport unknown;
  unknown.unknown = {"Bucket (AWS::S3::Bucket)", "Queue (AWS::SQS::Queue)"};
  CHECK(drift_text(unknown) == "could not be compared: Bucket (AWS::S3::Bucket), Queue (AWS::SQS::Queue)\n");
}

TEST_CASE("drift is put back only where nothing else is touched, and nothing replaced or deleted") {
  CHECK(why_not(set_of({kMended}), report()).empty());
  CHECK(why_not(set_of({kMended, {"SyncWithActual", "Other", "AWS::SQS::Queue", "o", "", "", {}}}), report())
            .empty());
  CHECK(why_not(set_of({kMended, {"Modify", "Role", "AWS::IAM::Role", "r", "False", "", {}}}), report()) ==
        "it would change Role (AWS::IAM::Role), which is not known to have drifted");
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
        "it would change Rule (AWS::Events::Rule), which is not known to have drifted");
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

TEST_CASE("when a stack is due does not depend on a clock that somebody sets") {
  Detecting here;
  here.want("a");
  CHECK(here.done(1) == Done{"a"});
  here.clock.set_back(std::chrono::hours(2));
  here.clock.pass(std::chrono::minutes(10));
  here.want("a");
  CHECK(here.done(2) == Done{"a", "a"});
  here.want("b", "2026-11-24T12:00:00Z");  // by AWS's clock, two hours from now
  here.clock.pass(std::chrono::minutes(10));
  here.want("b");
  CHECK(here.done(4).size() == 4);
}

TEST_CASE("a stack that nobody asks for any more is forgotten, once who asked for it was asked himself") {
  Detecting here;
  here.want("gone");
  here.want("seldom");
  here.done(2);
  here.clock.pass(std::chrono::minutes(61));
  here.want("new");
  CHECK(here.done(5) == Done{"gone", "seldom", "gone?", "seldom?", "new"});
  here.want("seldom");
  CHECK(here.done(6).back() == "seldom");
  here.clock.pass(std::chrono::minutes(10));
  here.want("new");
  here.want("last");
  const auto all = here.done(9);
  CHECK(std::count(all.begin(), all.end(), "gone") == 1);
  CHECK(std::count(all.begin(), all.end(), "seldom") == 3);
}
