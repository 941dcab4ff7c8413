#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/json.h"
#include "tests/unit/host/fixture.h"

using namespace gitopsd;
using namespace gitopsd::host;
using namespace gitopsd::host::test;
using protocol::Action;
using protocol::Destroys;

namespace {

const protocol::Step& step_of(const protocol::PlanResult& plan, const std::string& path) {
  for (const auto& step : plan.steps)
    if (step.id.str() == "path:" + path) return step;
  FAIL("no step for " << path);
  return plan.steps.front();
}

std::string text_of(const protocol::PlanResult& plan) {
  return to_json(encode(plan));
}

}  // namespace

TEST_CASE("a plan says what would change and changes nothing") {
  Fixture host;
  auto plan = host.plan({host.file("d/f", "one\ntwo\n"), host.directory("d")});
  REQUIRE(plan.steps.size() == 2);
  CHECK(plan.steps[0].action == Action::create);
  CHECK(plan.steps[0].id.str() == "path:" + host.at("d"));  // folders first
  CHECK(plan.steps[1].after == std::vector{plan.steps[0].key});
  CHECK(plan.steps[1].diff.find("+one\n+two\n") != std::string::npos);
  CHECK(plan.steps[1].precondition == "absent");
  CHECK(names(host.root).empty());
  CHECK(host.state->owned.all().empty());
}

TEST_CASE("the same plan has the same bytes") {
  Fixture host;
  write(host.at("f"), "old");
  CHECK(text_of(host.plan({host.file("f", "new")})) == text_of(host.plan({host.file("f", "new")})));
}

TEST_CASE("what is there and not ours is adopted in the open") {
  Fixture host;
  write(host.at("same"), "x");
  ::chmod(host.at("same").c_str(), 0644);
  write(host.at("other"), "old\n");
  auto plan = host.plan({host.file("same", "x"), host.file("other", "new\n")});
  CHECK(step_of(plan, host.at("same")).action == Action::adopt);
  CHECK(step_of(plan, host.at("same")).reason.find("becomes ours") != std::string::npos);
  const auto& other = step_of(plan, host.at("other"));
  CHECK(other.action == Action::update);
  CHECK(other.reason.starts_with("exists, not ours: content differs"));
  CHECK(other.diff.find("-old\n+new\n") != std::string::npos);
}

TEST_CASE("a reason names every difference") {
  Fixture host;
  host.sync({host.file("f", "x")});
  ::chmod(host.at("f").c_str(), 0600);
  write(host.at("f"), "y");
  CHECK(host.plan({host.file("f", "x")}).steps[0].reason == "content differs, mode is 0600, wanted 0644");
  if (::geteuid() != 0) return;
  CHECK(::chown(host.at("f").c_str(), 12345, 12346) == 0);
  const std::string reason = host.plan({host.file("f", "x")}).steps[0].reason;
  CHECK(reason.find("owner is 12345, wanted root (0)") != std::string::npos);
  CHECK(reason.find("group is 12346, wanted root (0)") != std::string::npos);
}

TEST_CASE("secrets are in no plan") {
  Fixture host;
  const Value secret = Value::object({{"sensitive", true}});
  CHECK(text_of(host.plan({host.file("f", "hunter2", secret)})).find("hunter2") == std::string::npos);
  host.sync({host.file("f", "hunter2", secret)});
  const std::string update = text_of(host.plan({host.file("f", "hunter3", secret)}));
  CHECK(update.find("hunter") == std::string::npos);
  CHECK(update.find("content is not shown") != std::string::npos);
  CHECK(text_of(host.plan({}, {"f"})).find("hunter") == std::string::npos);
  // What was secret until now stays so, whatever takes its place.
  const std::string opened = text_of(host.plan({host.file("f", "open\n")}));
  CHECK(opened.find("hunter") == std::string::npos);
  CHECK(text_of(host.plan({host.symlink("f", "elsewhere")})).find("hunter") == std::string::npos);
  host.sync({host.file("f", "open\n")});
  CHECK(text_of(host.plan({host.file("f", "public\n")})).find("-open") != std::string::npos);
  // Nor what others cannot read on the host today.
  write(host.at("private"), "their secret");
  ::chmod(host.at("private").c_str(), 0600);
  CHECK(text_of(host.plan({host.file("private", "mine")})).find("their secret") == std::string::npos);
}

TEST_CASE("receipts and preconditions hold no digest that could be guessed") {
  Fixture a, b;
  a.sync({a.file("f", "1234")});
  b.sync({b.file("f", "1234")});
  CHECK(a.observe("f").receipt != b.observe("f").receipt);
  CHECK(a.observe("f").receipt.size() <= 1024);
}

TEST_CASE("a folder must exist or be declared") {
  Fixture host;
  auto plan = host.plan({host.file("d/f", "x")});
  REQUIRE(plan.problems.size() == 1);
  CHECK(plan.problems[0].cause == ProblemCause::input);
  CHECK(plan.problems[0].pointer == "/spec/path");
  CHECK(plan.problems[0].hint == "declare a Directory with path: " + host.at("d"));
  CHECK(plan.steps.empty());
  // Ours, but gone for the moment: drift that is put back first, so try again.
  host.sync({host.directory("d")});
  std::filesystem::remove(host.at("d"));
  plan = host.plan({host.file("d/f", "x")});
  REQUIRE(plan.problems.size() == 1);
  CHECK(plan.problems[0].cause == ProblemCause::transient);
}

TEST_CASE("a user that the host does not have is a problem of its field") {
  Fixture host;
  host.policy.set("users", Value::array().push("no-such-user"));
  auto plan = host.plan({host.file("f", "x", Value::object({{"owner", "no-such-user"}}))});
  REQUIRE(plan.problems.size() == 1);
  CHECK(plan.problems[0].pointer == "/spec/owner");
}

TEST_CASE("removal takes what is in a folder first, and a folder with other things only as data") {
  Fixture host;
  auto documents = std::vector{host.directory("d"), host.directory("d/e"), host.file("d/e/f", "x")};
  host.sync(documents);
  auto plan = host.plan({}, {"d", "d/e", "d/e/f"});
  REQUIRE(plan.steps.size() == 3);
  CHECK(plan.steps[0].id.str() == "path:" + host.at("d/e/f"));
  CHECK(plan.steps[2].id.str() == "path:" + host.at("d"));
  for (const auto& step : plan.steps) CHECK(step.destroys == Destroys::nothing);

  write(host.at("d/e/theirs"), "data");
  plan = host.plan({}, {"d", "d/e", "d/e/f"});
  CHECK(step_of(plan, host.at("d/e")).destroys == Destroys::data);
  CHECK(step_of(plan, host.at("d/e")).diff.find("-" + host.at("d/e/theirs")) != std::string::npos);
  CHECK(step_of(plan, host.at("d")).destroys == Destroys::nothing);
}

TEST_CASE("a file in the way of a folder is replaced, and a folder in the way of a file is data") {
  Fixture host;
  write(host.at("a"), "x");
  CHECK(step_of(host.plan({host.directory("a")}), host.at("a")).action == Action::replace);
  std::filesystem::create_directory(host.at("b"));
  CHECK(step_of(host.plan({host.file("b", "x")}), host.at("b")).destroys == Destroys::nothing);
  write(host.at("b/theirs"), "x");
  auto plan = host.plan({host.file("b", "x")});
  CHECK(step_of(plan, host.at("b")).action == Action::replace);
  CHECK(step_of(plan, host.at("b")).destroys == Destroys::data);
  // A heal is approved by nobody.
  plan = host.plan({host.file("b", "x")}, {}, protocol::PlanMode::heal);
  REQUIRE(plan.problems.size() == 1);
  CHECK(plan.problems[0].cause == ProblemCause::conflict);
}

TEST_CASE("two applications do not share a path") {
  Fixture host;
  host.sync({host.file("f", "x")});
  host.owner.application = "other";
  auto plan = host.plan({host.file("f", "y")});
  REQUIRE(plan.problems.size() == 1);
  CHECK(plan.problems[0].cause == ProblemCause::conflict);
  CHECK(plan.problems[0].message.find("belongs to application 'app'") != std::string::npos);
  plan = host.plan({}, {"f"});
  REQUIRE(plan.problems.size() == 1);
}

TEST_CASE("what another application handed over is taken, and its file left alone") {
  Fixture host;
  host.sync({host.file("f", "x"), host.file("g", "x")});
  host.owner.application = "other";
  host.from = "app";
  CHECK(host.observe("f").live == protocol::Live::ours);
  CHECK(host.observe("f").drift == protocol::DriftState::yes);
  host.before_check = [](const std::string&) { FAIL_CHECK("it is written"); };
  const auto plan = host.plan({host.file("f", "x")});
  REQUIRE(plan.steps.size() == 1);
  CHECK(plan.steps[0].action == Action::adopt);
  host.sync({host.file("f", "x")});
  host.from.clear();
  CHECK(host.observe("f").drift == protocol::DriftState::no);
  CHECK(host.plan({host.file("g", "x")}).problems.size() == 1);  // that one was not
  host.from = "third";
  CHECK(host.plan({host.file("g", "x")}).problems.size() == 1);
  host.before_check = {};
  host.from = "app";
  host.sync({}, {"g"});
  CHECK_FALSE(exists(host.at("g")));
}

TEST_CASE("create-only leaves what is there") {
  Fixture host;
  write(host.at("f"), "theirs");
  auto document = host.file("f", "mine");
  host.resolve({document});
  host.resources[document.digest].options.apply = protocol::ApplyMode::create_only;
  auto plan = host.plan({document});
  CHECK(plan.steps[0].action == Action::adopt);
  host.sync({document});
  CHECK(contents(host.at("f")) == "theirs");
  write(host.at("f"), "changed");
  CHECK(host.observe("f").drift == protocol::DriftState::no);
  std::filesystem::remove(host.at("f"));
  CHECK(host.observe("f").drift == protocol::DriftState::yes);
}

TEST_CASE("no plan stands on an allowed folder that vanished with what is ours in it") {
  Fixture host;
  host.sync({host.file("f", "1"), host.file("g", "1")});
  std::filesystem::remove_all(host.root);
  for (const auto& plan : {host.plan({}), host.plan({host.file("f", "2")}), host.plan({}, {"f"})}) {
    REQUIRE(plan.problems.size() == 1);
    CHECK(plan.steps.empty());
    CHECK(plan.problems[0].cause == ProblemCause::destination);
    CHECK(plan.problems[0].message.find("'" + host.root + "'") != std::string::npos);
    CHECK(plan.problems[0].hint.find("create it") != std::string::npos);
  }
  // Another allowed folder is healed all the same.
  CHECK(host.plan({}, {}, protocol::PlanMode::heal).problems.empty());
  std::filesystem::create_directory(host.root);
  CHECK(host.plan({host.file("f", "1"), host.file("g", "1")}).problems.empty());
}

TEST_CASE("an allowed folder that is missing stops nobody who has nothing there") {
  Fixture host;
  host.policy = Value::object({{"paths", Value::array().push(host.root).push(host.root + "-later")}});
  CHECK(host.plan({host.file("f", "1")}).problems.empty());
}

TEST_CASE("an allowed folder that is itself declared is made with what is in it, and put back first") {
  Fixture host;
  std::filesystem::remove_all(host.root);
  auto folder = host.document("Directory", Value::object({{"path", host.root}}));
  host.sync({folder, host.file("f", "1")});
  CHECK(contents(host.at("f")) == "1");
  std::filesystem::remove_all(host.root);
  const auto plan = host.plan({host.file("f", "2")});
  REQUIRE(plan.problems.size() == 1);
  CHECK(plan.problems[0].cause == ProblemCause::transient);
}
