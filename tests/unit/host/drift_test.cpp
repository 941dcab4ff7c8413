#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "providers/host/path.h"
#include "tests/unit/host/fixture.h"

using namespace gitopsd;
using namespace gitopsd::host;
using namespace gitopsd::host::test;
using protocol::DriftState;
using protocol::Health;
using protocol::Live;
namespace fs = std::filesystem;

TEST_CASE("what is as it was made is ours, without drift and healthy") {
  Fixture host;
  host.sync({host.directory("d"), host.file("d/f", "x"), host.symlink("l", "d")});
  for (const char* name : {"d", "d/f", "l"})
    for (bool full : {false, true}) {
      auto seen = host.observe(name, full);
      CHECK(seen.live == Live::ours);
      CHECK(seen.drift == DriftState::no);
      CHECK(seen.health == Health::healthy);
    }
}

TEST_CASE("every kind of change is drift, named, and healed") {
  Fixture host;
  auto documents = std::vector{host.directory("d"), host.file("d/f", "12345"), host.symlink("l", "d/f")};
  host.sync(documents);
  std::string name = "d/f", reason;
  Live live = Live::ours;
  Health health = Health::degraded;
  SUBCASE("content") {
    write(host.at("d/f"), "other");
    reason = "content differs";
  }
  SUBCASE("content of the same size and times") {
    host.observe("d/f");
    struct stat st {};
    REQUIRE(::stat(host.at("d/f").c_str(), &st) == 0);
    write(host.at("d/f"), "54321");
    timespec times[2] = {st.st_atim, st.st_mtim};
    REQUIRE(::utimensat(AT_FDCWD, host.at("d/f").c_str(), times, 0) == 0);
    reason = "content differs";
  }
  SUBCASE("mode") {
    ::chmod(host.at("d/f").c_str(), 0600);
    reason = "mode is 0600, wanted 0644";
  }
  SUBCASE("mode of a folder") {
    name = "d";
    ::chmod(host.at("d").c_str(), 0700);
    reason = "mode is 0700, wanted 0755";
  }
  SUBCASE("owner") {
    if (::geteuid() != 0) return;
    REQUIRE(::chown(host.at("d/f").c_str(), 4321, 0) == 0);
    reason = "owner is 4321, wanted root (0)";
  }
  SUBCASE("deleted") {
    fs::remove(host.at("d/f"));
    live = Live::absent;
    health = Health::missing;
    reason = "it does not exist";
  }
  SUBCASE("its folder deleted") {
    fs::remove_all(host.at("d"));
    live = Live::absent;
    health = Health::missing;
    reason = "it does not exist";
  }
  SUBCASE("its folder replaced by a file") {
    fs::remove_all(host.at("d"));
    write(host.at("d"), "x");
    live = Live::absent;
    health = Health::missing;
    reason = "it does not exist";
  }
  SUBCASE("replaced by a link to the same content") {
    fs::rename(host.at("d/f"), host.at("d/moved"));
    fs::create_symlink("moved", host.at("d/f"));
    live = Live::foreign;
    reason = "it is a symlink, wanted a file";
  }
  SUBCASE("replaced by a directory") {
    fs::remove(host.at("d/f"));
    fs::create_directory(host.at("d/f"));
    live = Live::foreign;
    reason = "it is a directory, wanted a file";
  }
  SUBCASE("a link that points elsewhere") {
    name = "l";
    fs::remove(host.at("l"));
    fs::create_symlink("/etc", host.at("l"));
    reason = "it points elsewhere";
  }
  for (bool full : {false, true}) {
    auto seen = host.observe(name, full);
    CHECK(seen.live == live);
    CHECK(seen.drift == DriftState::yes);
    CHECK(seen.health == health);
    CHECK(seen.reason == reason);
  }
  auto plan = host.plan(documents, {}, protocol::PlanMode::heal);
  CHECK(plan.problems.empty());
  CHECK(host.apply(plan, documents).outcome == protocol::ApplyOutcome::done);
  for (const char* healed : {"d", "d/f", "l"}) CHECK(host.observe(healed, true).drift == DriftState::no);
  CHECK(contents(host.at("d/f")) == "12345");
}

TEST_CASE("a file is read again only when its fingerprint changed, or in full") {
  Fixture host;
  host.sync({host.file("f", "12345")});
  // The fingerprint counts only once the clock has moved on from the write.
  REQUIRE(eventually([&] {
    host.observe("f");
    auto place = open_place(host.root, host.at("f"));
    const Seen seen = look(*place, nullptr);
    const auto receipt = receipt_of(host.observe("f").receipt);
    return host.state->verified.holds(id_of(host.at("f")), seen, receipt->facts);
  }));
  host.sync({host.file("f", "1234")});
  auto place = open_place(host.root, host.at("f"));
  // Not by an observation, which may read it and remember that.
  const auto receipt = receipt_of(host.state->owned.find(id_of(host.at("f")))->receipt);
  CHECK_FALSE(host.state->verified.holds(id_of(host.at("f")), look(*place, nullptr), receipt->facts));
}

TEST_CASE("what nobody remembers is foreign or unknown, never taken for ours") {
  Fixture host;
  write(host.at("f"), "theirs");
  auto seen = host.observe("f");
  CHECK(seen.live == Live::foreign);
  host.sync({host.file("f", "x")});

  // The state directory was lost: the daemon's receipt was made with another key.
  protocol::ObserveRequest request;
  request.owner = host.owner;
  request.policy = host.policy;
  request.entries.push_back(
      {id_of(host.at("f")), protocol::Entry::Owned{"d", host.observe("f").receipt}, {}});
  Fixture fresh;
  auto lost = host::observe(*fresh.state, nullptr, request).observations.at(0);
  CHECK(lost.live == Live::unknown);
  CHECK(lost.drift == DriftState::unknown);
  CHECK(lost.reason.find("memory of it was lost") != std::string::npos);
}

TEST_CASE("a write whose end the daemon did not hear of is found to be ours") {
  Fixture host;
  host.sync({host.file("f", "x")});
  protocol::ObserveRequest request;
  request.owner = host.owner;
  request.policy = host.policy;
  request.entries.push_back({id_of(host.at("f")), {}, protocol::Entry::Intended{"1", "d"}});
  auto seen = host::observe(*host.state, nullptr, request).observations.at(0);
  CHECK(seen.live == Live::ours);
  CHECK_FALSE(seen.receipt.empty());
}
