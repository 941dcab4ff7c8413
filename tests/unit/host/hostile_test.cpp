#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "providers/host/path.h"
#include "providers/host/write.h"
#include "tests/unit/host/fixture.h"

using namespace gitopsd;
using namespace gitopsd::host;
using namespace gitopsd::host::test;
using protocol::ApplyOutcome;
namespace fs = std::filesystem;

namespace {

/// A folder beside the allowed one, with a file that must stay as it is.
std::string outside(const Fixture& host) {
  const std::string folder = fs::path(host.root).parent_path().string() + "/outside";
  fs::create_directory(folder);
  write(folder + "/f", "precious");
  return folder;
}

}  // namespace

TEST_CASE("a planted link on the way leads nowhere, at plan, apply and observe") {
  Fixture host;
  const std::string away = outside(host);
  auto document = host.file("d/f", "evil");
  SUBCASE("before the plan") {
    fs::create_symlink(away, host.at("d"));
    auto plan = host.plan({document});
    REQUIRE(plan.problems.size() == 1);
    CHECK(plan.problems[0].cause == ProblemCause::conflict);
    CHECK(plan.problems[0].message.find("symbolic link is on the way") != std::string::npos);
  }
  SUBCASE("between plan and apply") {
    fs::create_directory(host.at("d"));
    auto plan = host.plan({document});
    fs::remove(host.at("d"));
    fs::create_symlink(away, host.at("d"));
    auto result = host.apply(plan, {document});
    CHECK(result.outcome == ApplyOutcome::failed);
    CHECK(result.steps[0].problem->cause == ProblemCause::conflict);
  }
  SUBCASE("while it is written") {
    fs::create_directory(host.at("d"));
    auto plan = host.plan({document});
    host.before_check = [&](const std::string&) {
      fs::rename(host.at("d"), host.at("moved"));
      fs::create_symlink(away, host.at("d"));
    };
    host.apply(plan, {document});
    CHECK_FALSE(exists(away + "/.gitopsd"));
  }
  SUBCASE("before a removal") {
    fs::create_directory(host.at("d"));
    host.sync({document});
    auto plan = host.plan({}, {"d/f"});
    fs::rename(host.at("d"), host.at("moved"));
    fs::create_symlink(away, host.at("d"));
    CHECK(host.apply(plan, {}).outcome == ApplyOutcome::failed);
    CHECK(host.observe("d/f").live == protocol::Live::unknown);
    CHECK(host.plan({}, {"d/f"}).problems.size() == 1);
  }
  CHECK(contents(away + "/f") == "precious");
  CHECK(names(away) == std::vector<std::string>{"f"});
}

TEST_CASE("a link in the place of a file is replaced, and what it points to stays") {
  Fixture host;
  const std::string away = outside(host);
  fs::create_symlink(away + "/f", host.at("f"));
  host.sync({host.file("f", "mine")});
  CHECK(contents(away + "/f") == "precious");
  CHECK(contents(host.at("f")) == "mine");
  CHECK_FALSE(fs::is_symlink(host.at("f")));
}

TEST_CASE("a second name of somebody's file is broken off, not written through") {
  Fixture host;
  const std::string away = outside(host);
  const int before = mode_of(away + "/f");
  fs::create_hard_link(away + "/f", host.at("f"));
  host.sync({host.file("f", "mine", Value::object({{"mode", "0666"}}))});
  CHECK(contents(away + "/f") == "precious");
  CHECK(mode_of(away + "/f") == before);
  CHECK(contents(host.at("f")) == "mine");
}

TEST_CASE("something planted under the temporary's name is not written through") {
  Fixture host;
  const std::string away = outside(host);
  const std::string temporary = host.at(temporary_name(host.at("f")));
  SUBCASE("a link") {
    fs::create_symlink(away + "/f", temporary);
  }
  SUBCASE("a second name") {
    fs::create_hard_link(away + "/f", temporary);
  }
  SUBCASE("a folder") {
    fs::create_directory(temporary);
    fs::create_symlink(away, temporary + "/link");
  }
  host.sync({host.file("f", "mine")});
  CHECK(contents(host.at("f")) == "mine");
  CHECK(contents(away + "/f") == "precious");
  CHECK(names(host.root) == std::vector<std::string>{"f"});
}

TEST_CASE("a pipe in the place of a file blocks nobody") {
  Fixture host;
  REQUIRE(::mkfifo(host.at("f").c_str(), 0600) == 0);
  auto plan = host.plan({host.file("f", "mine")});
  REQUIRE(plan.steps.size() == 1);
  CHECK(plan.steps[0].action == protocol::Action::replace);
  host.sync({host.file("f", "mine")});
  CHECK(contents(host.at("f")) == "mine");
}

TEST_CASE("a policy that became narrower stops plan, apply and observe") {
  Fixture host;
  auto document = host.file("f", "x");
  host.sync({document});
  auto update = host.file("f", "y");
  auto plan = host.plan({update});
  auto removal = host.plan({}, {"f"});
  host.policy = Value::object({{"paths", Value::array().push(host.at("elsewhere"))}});
  for (auto mode : {protocol::PlanMode::changed, protocol::PlanMode::heal}) {
    auto refused = host.plan({update}, {}, mode);
    REQUIRE(refused.problems.size() == 1);
    CHECK(refused.problems[0].cause == ProblemCause::permission);
    CHECK(refused.problems[0].pointer == "/spec/path");
  }
  CHECK(host.plan({}, {"f"}).problems.size() == 1);
  for (const auto& stale : {plan, removal}) {
    auto result = host.apply(stale, {update});
    CHECK(result.outcome == ApplyOutcome::failed);
    CHECK(result.steps[0].problem->cause == ProblemCause::permission);
  }
  CHECK(host.observe("f").live == protocol::Live::unknown);
  CHECK(contents(host.at("f")) == "x");
}

TEST_CASE("removing a folder follows no link out of it") {
  Fixture host;
  const std::string away = outside(host);
  host.sync({host.directory("d")});
  fs::create_directory_symlink(away, host.at("d/link"));
  fs::create_directories(host.at("d/deep/er"));
  auto plan = host.plan({}, {"d"});
  CHECK(host.apply(plan, {}).outcome == ApplyOutcome::done);
  CHECK(contents(away + "/f") == "precious");
  CHECK_FALSE(exists(host.at("d")));
}

TEST_CASE("an allowed folder that is not there is an error, never an empty one") {
  Fixture host;
  host.sync({host.file("f", "x")});
  fs::rename(host.root, host.root + ".away");
  auto seen = host.observe("f");
  CHECK(seen.live == protocol::Live::unknown);
  CHECK(seen.drift == protocol::DriftState::unknown);
  CHECK(seen.health == protocol::Health::unknown);
  CHECK(seen.reason.find("cannot open the allowed folder") != std::string::npos);
  CHECK(host.plan({}, {"f"}).problems.size() == 1);
}
