#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/hash.h"
#include "tests/unit/host/fixture.h"

using namespace gitopsd;
using namespace gitopsd::host;
using namespace gitopsd::host::test;
using protocol::ApplyOutcome;
using protocol::StepState;
namespace fs = std::filesystem;

TEST_CASE("a sync makes what is declared, with exact bytes and rights") {
  Fixture host;
  const std::string binary("\0\xff\x01 bytes", 9);
  host.sync({host.directory("d", Value::object({{"mode", "0750"}})),
             host.document("File", Value::object({{"path", host.at("d/b")},
                                                  {"contentBase64", to_base64(binary)},
                                                  {"mode", "0640"}})),
             host.symlink("l", "d/b"), host.file("empty", "")});
  CHECK(mode_of(host.at("d")) == 0750);
  CHECK(contents(host.at("d/b")) == binary);
  CHECK(mode_of(host.at("d/b")) == 0640);
  CHECK(fs::read_symlink(host.at("l")) == "d/b");
  CHECK(fs::file_size(host.at("empty")) == 0);
  CHECK(names(host.root) == std::vector<std::string>{"d", "empty", "l"});  // no temporary left
}

TEST_CASE("the mode does not depend on the umask") {
  Fixture host;
  const mode_t before = ::umask(0777);
  host.sync({host.directory("d"), host.file("d/f", "x", Value::object({{"mode", "0666"}}))});
  ::umask(before);
  CHECK(mode_of(host.at("d")) == 0755);
  CHECK(mode_of(host.at("d/f")) == 0666);
}

TEST_CASE("a file from the repository arrives by blob") {
  Fixture host;
  auto document = host.document("File", Value::object({{"path", host.at("f")}, {"source", "f.bin"}}));
  const std::string bytes = random_bytes(300'000);
  document.blobs.push_back({"f.bin", host.blobs.add(bytes)});
  host.sync({document});
  CHECK(contents(host.at("f")) == bytes);
  CHECK(host.observe("f").drift == protocol::DriftState::no);
  CHECK(host.plan({document}).steps[0].action == protocol::Action::none);
}

TEST_CASE("a blob that breaks off leaves the old file and no litter") {
  Fixture host;
  host.sync({host.file("f", "old")});
  auto document = host.document("File", Value::object({{"path", host.at("f")}, {"source", "f.bin"}}));
  const protocol::Blob blob = host.blobs.add(std::string(300'000, 'x'));
  document.blobs.push_back({"f.bin", blob});
  auto plan = host.plan({document});
  host.blobs.bytes.erase(blob.digest);
  auto result = host.apply(plan, {document});
  CHECK(result.outcome == ApplyOutcome::failed);
  CHECK(result.steps[0].problem->cause == ProblemCause::transient);
  CHECK(contents(host.at("f")) == "old");
  CHECK(names(host.root) == std::vector<std::string>{"f"});
  CHECK(host.observe("f").drift == protocol::DriftState::no);
}

TEST_CASE("applying a step again changes nothing and answers the same receipt") {
  Fixture host;
  auto documents = std::vector{host.file("f", "x"), host.directory("d"), host.symlink("l", "f")};
  auto plan = host.plan(documents);
  auto first = host.apply(plan, documents);
  struct stat before {
  }, after{};
  REQUIRE(::stat(host.at("f").c_str(), &before) == 0);
  host.restart();
  auto second = host.apply(plan, documents);
  REQUIRE(::stat(host.at("f").c_str(), &after) == 0);
  CHECK(second.outcome == ApplyOutcome::done);
  for (std::size_t i = 0; i < first.steps.size(); ++i)
    CHECK(first.steps[i].receipt == second.steps[i].receipt);
  CHECK(before.st_ino == after.st_ino);
  CHECK(before.st_ctim.tv_nsec == after.st_ctim.tv_nsec);

  auto removal = host.plan({}, {"f", "d", "l"});
  CHECK(host.apply(removal, {}).outcome == ApplyOutcome::done);
  CHECK(names(host.root).empty());
  CHECK(host.apply(removal, {}).outcome == ApplyOutcome::done);
}

TEST_CASE("the begin and the end of each step are told, in order, the end with its receipt") {
  Fixture host;
  host.sync({host.file("f", "x")});
  REQUIRE(host.progress.size() == 2);
  CHECK(host.progress[0].state == StepState::begun);
  CHECK(host.progress[1].state == StepState::done);
  CHECK_FALSE(host.progress[1].receipt.empty());
}

TEST_CASE("a change between plan and apply is stale, in every way it can change") {
  Fixture host;
  host.sync({host.file("f", "old")});
  auto document = host.file("f", "new");
  auto plan = host.plan({document});
  SUBCASE("content") {
    write(host.at("f"), "theirs");
  }
  SUBCASE("content of the same size") {
    write(host.at("f"), "OLD");
  }
  SUBCASE("mode") {
    ::chmod(host.at("f").c_str(), 0600);
  }
  SUBCASE("gone") {
    fs::remove(host.at("f"));
  }
  SUBCASE("a link") {
    fs::remove(host.at("f"));
    fs::create_symlink("/etc/passwd", host.at("f"));
  }
  SUBCASE("a directory") {
    fs::remove(host.at("f"));
    fs::create_directory(host.at("f"));
  }
  auto result = host.apply(plan, {document});
  CHECK(result.outcome == ApplyOutcome::stale);
  CHECK(result.steps[0].state == StepState::failed);
  CHECK(result.steps[0].problem->code == "stale");
  CHECK((!exists(host.at("f")) || !fs::is_regular_file(fs::symlink_status(host.at("f"))) ||
         contents(host.at("f")) != "new"));
}

TEST_CASE("the precondition is checked when the new state is ready, just before it arrives") {
  Fixture host;
  auto document = host.file("f", "new");
  SUBCASE("something appears") {
    auto plan = host.plan({document});
    host.before_check = [&](const std::string& path) { write(path, "theirs"); };
    CHECK(host.apply(plan, {document}).outcome == ApplyOutcome::stale);
    CHECK(contents(host.at("f")) == "theirs");
  }
  SUBCASE("something changes") {
    host.sync({host.file("f", "old")});
    auto plan = host.plan({document});
    host.before_check = [&](const std::string& path) { write(path, "theirs"); };
    CHECK(host.apply(plan, {document}).outcome == ApplyOutcome::stale);
    CHECK(contents(host.at("f")) == "theirs");
  }
  SUBCASE("what is to be removed changes") {
    host.sync({host.file("f", "old")});
    auto plan = host.plan({}, {"f"});
    host.before_check = [&](const std::string& path) { write(path, "theirs"); };
    CHECK(host.apply(plan, {}).outcome == ApplyOutcome::stale);
    CHECK(contents(host.at("f")) == "theirs");
    CHECK(host.state->owned.find(plan.steps[0].id));
  }
  CHECK(names(host.root) == std::vector<std::string>{"f"});
}

TEST_CASE("what depends on a failed step is skipped, what does not goes on") {
  Fixture host;
  auto documents = std::vector{host.directory("d"), host.file("d/f", "x"), host.file("g", "y")};
  auto plan = host.plan(documents);
  write(host.at("d"), "in the way");
  auto result = host.apply(plan, documents);
  CHECK(result.outcome == ApplyOutcome::stale);
  CHECK(result.steps[0].state == StepState::failed);
  CHECK(result.steps[1].state == StepState::skipped);
  CHECK(result.steps[2].state == StepState::done);
  CHECK(contents(host.at("g")) == "y");
}

TEST_CASE("cancel begins no new step") {
  Fixture host;
  auto documents = std::vector{host.directory("d"), host.file("d/f", "y")};
  auto plan = host.plan(documents);
  bool stop = false;
  host.cancelled = [&] { return stop; };
  host.before_check = [&](const std::string&) { stop = true; };
  auto result = host.apply(plan, documents);
  CHECK(result.outcome == ApplyOutcome::cancelled);
  int done = 0, skipped = 0;
  for (const auto& step : result.steps) {
    done += step.state == StepState::done;
    skipped += step.state == StepState::skipped;
  }
  CHECK(done + skipped == 2);
  CHECK(done >= 1);  // what has begun ends
}

TEST_CASE("prune removes what is ours and nothing else") {
  Fixture host;
  host.sync({host.directory("d"), host.file("d/ours", "x")});
  write(host.at("theirs"), "y");
  host.sync({}, {"d", "d/ours"});
  CHECK(names(host.root) == std::vector<std::string>{"theirs"});

  // Not in the list of what we made: a problem, and it stays.
  auto plan = host.plan({}, {"theirs"});
  REQUIRE(plan.problems.size() == 1);
  protocol::PlanResult forged;
  forged.steps.push_back({"delete x",
                          plan.problems.empty() ? ResourceId() : ResourceId("path:" + host.at("theirs")),
                          0,
                          {},
                          protocol::Action::remove,
                          "",
                          "file",
                          "",
                          protocol::Destroys::data,
                          protocol::Rerun::safe,
                          ""});
  CHECK(host.apply(forged, {}).outcome == ApplyOutcome::failed);
  CHECK(contents(host.at("theirs")) == "y");
}

TEST_CASE("what stands in the place of ours is not ours to remove") {
  Fixture host;
  host.sync({host.file("f", "x")});
  fs::remove(host.at("f"));
  fs::create_directory(host.at("f"));
  write(host.at("f/theirs"), "y");
  auto plan = host.plan({}, {"f"});
  CHECK(plan.steps[0].reason.find("left alone") != std::string::npos);
  CHECK(host.apply(plan, {}).outcome == ApplyOutcome::done);
  CHECK(contents(host.at("f/theirs")) == "y");
  CHECK_FALSE(host.state->owned.find(plan.steps[0].id));
}

TEST_CASE("a folder that is still needed or was there before is left in place") {
  Fixture host;
  auto file = host.file("d/f", "x");
  host.sync({host.directory("d"), file});
  host.sync({}, {"d"});
  CHECK(contents(host.at("d/f")) == "x");

  fs::create_directory(host.at("before"));
  write(host.at("before/theirs"), "y");
  host.sync({host.directory("before")});
  host.sync({}, {"before"});
  CHECK(contents(host.at("before/theirs")) == "y");
}

TEST_CASE("a folder with data goes whole once that is approved, and only as it was seen") {
  Fixture host;
  host.sync({host.directory("d")});
  write(host.at("d/theirs"), "y");
  auto plan = host.plan({}, {"d"});
  SUBCASE("as seen") {
    CHECK(host.apply(plan, {}).outcome == ApplyOutcome::done);
    CHECK(names(host.root).empty());
  }
  SUBCASE("another thing came") {
    write(host.at("d/more"), "z");
    CHECK(host.apply(plan, {}).outcome == ApplyOutcome::stale);
    CHECK(contents(host.at("d/theirs")) == "y");
  }
}

TEST_CASE("kinds replace each other") {
  Fixture host;
  host.sync({host.file("x", "1")});
  host.sync({host.directory("x")});
  CHECK(fs::is_directory(host.at("x")));
  host.sync({host.symlink("x", "elsewhere")});
  CHECK(fs::read_symlink(host.at("x")) == "elsewhere");
  host.sync({host.file("x", "2")});
  CHECK(contents(host.at("x")) == "2");
  CHECK(names(host.root) == std::vector<std::string>{"x"});
}

TEST_CASE("a folder with its files gives way to a link in one sync") {
  Fixture host;
  host.sync({host.directory("x"), host.file("x/f", "1")});
  host.sync({host.symlink("x", "elsewhere")}, {"x/f"});
  CHECK(fs::read_symlink(host.at("x")) == "elsewhere");
}

TEST_CASE("a policy may name one file") {
  Fixture host;
  write(host.at("motd"), "old");
  host.policy = Value::object({{"paths", Value::array().push(host.at("motd"))}});
  host.sync({host.file("motd", "new")});
  CHECK(contents(host.at("motd")) == "new");
  CHECK(host.resolve({host.file("motd2", "x")}).problems.size() == 1);
}
