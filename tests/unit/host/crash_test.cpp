// A crash is a copy of the provider that ends at a chosen point, without unwinding.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "providers/host/path.h"
#include "providers/host/write.h"
#include "tests/unit/host/fixture.h"

using namespace gitopsd;
using namespace gitopsd::host;
using namespace gitopsd::host::test;
namespace fs = std::filesystem;

namespace {

/// Runs `work` in a child that may die in it; the state must be closed here.
void in_child(const std::function<void()>& work) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    work();
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
}

}  // namespace

TEST_CASE("a crash between the temporary and the rename leaves the old file and no litter") {
  Fixture host;
  host.sync({host.directory("d"), host.file("d/f", "old")});
  auto document = host.file("d/f", "new");
  auto plan = host.plan({document});
  host.state.reset();
  in_child([&] {
    host.state = std::make_unique<State>(host.state_directory);
    host.before_check = [](const std::string&) { ::_exit(7); };
    host.apply(plan, {document});
  });
  CHECK(names(host.at("d")).size() == 2);  // the litter
  host.restart();
  CHECK(names(host.at("d")) == std::vector<std::string>{"f"});
  CHECK(contents(host.at("d/f")) == "old");
  CHECK(host.observe("d/f").drift == protocol::DriftState::no);
  CHECK(host.apply(plan, {document}).outcome == protocol::ApplyOutcome::done);
  CHECK(contents(host.at("d/f")) == "new");
}

TEST_CASE("litter of a write that began is removed by the next write too") {
  Fixture host;
  write(host.at(temporary_name(host.at("f"))), "litter");
  host.sync({host.file("f", "x")});
  CHECK(names(host.root) == std::vector<std::string>{"f"});
}

TEST_CASE("a crash after the rename is found to be done") {
  Fixture host;
  auto document = host.file("f", "new");
  auto plan = host.plan({document});
  host.state.reset();
  in_child([&] {
    host.state = std::make_unique<State>(host.state_directory);
    host.apply(plan, {document});
    // The end was written but not told; take it back, as if the crash had come before it.
  });
  // Cut the log after the last `begin`.
  const std::string log = host.state_directory + "/owned.log";
  std::string text = contents(log);
  text.erase(text.rfind('\n', text.size() - 2) + 1);
  REQUIRE(text.find("\"op\":\"own\"") == std::string::npos);
  write(log, text);
  host.restart();
  auto seen = host.observe("f");
  CHECK(seen.live == protocol::Live::ours);
  CHECK(seen.drift == protocol::DriftState::no);
  CHECK(host.state->owned.all_begun().empty());
}

TEST_CASE("a crash in the middle of a removal is finished by the next plan") {
  Fixture host;
  host.sync({host.directory("d")});
  fs::create_directories(host.at("d/theirs/deep"));
  auto plan = host.plan({}, {"d"});
  REQUIRE(plan.steps[0].destroys == protocol::Destroys::data);
  // As after the move aside, before all of it is gone.
  host.state->owned.begin(id_of(host.at("d")),
                          {*host.state->owned.find(id_of(host.at("d"))), host.root, true});
  fs::rename(host.at("d"), host.at(temporary_name(host.at("d"))));
  host.restart();
  CHECK(names(host.root).empty());
  CHECK_FALSE(host.state->owned.find(id_of(host.at("d"))));
  CHECK(host.apply(plan, {}).outcome == protocol::ApplyOutcome::done);
}
