// What is on disk stays bounded, and stays readable while it is repacked.
#include "daemon/source/repack.h"

#include <doctest/doctest.h>

#include <sstream>

#include "base/file.h"
#include "daemon/source/check.h"
#include "tests/unit/source/fixture.h"

using namespace gitopsd;
using namespace gitopsd::source;
using namespace gitopsd::source::test;

namespace {

struct RepackWorld {
  Folder folder;
  Origin origin{folder / "origin"};
  std::string place = folder / "mirror";
  std::unique_ptr<Mirror> mirror = open_mirror(place);
  Remote remote = remote_of(origin.url());

  /// Commits made at once; the branch then visits them one by one.
  std::vector<CommitId> history(int count) const {
    std::string stream;
    for (int i = 0; i < count; ++i) {
      const std::string text = "change " + std::to_string(i);
      stream += "commit refs/heads/all\ncommitter A <a@b> 1 +0000\ndata 0\nM 100644 inline f" +
                std::to_string(i % 7) + "\ndata " + std::to_string(text.size()) + "\n" + text + "\n";
    }
    origin.git({"fast-import", "--quiet"}, stream);
    std::istringstream lines(origin.git({"rev-list", "--reverse", "refs/heads/all"}));
    std::vector<CommitId> out;
    for (std::string line; std::getline(lines, line);) out.push_back(id(line));
    return out;
  }
  void fetch(const CommitId& commit) const {
    write_file_atomically(origin.path() + "/refs/heads/main", commit.str() + "\n", 0644);
    REQUIRE(mirror->fetch(remote, main_ref(), commit, never).tip == commit);
  }
  CommitId push_and_fetch(int number) const {
    const CommitId commit =
        origin.commit({{"f" + std::to_string(number % 7), "change " + std::to_string(number)}});
    REQUIRE(mirror->fetch(remote, main_ref(), commit, never).tip == commit);
    return commit;
  }
  std::size_t packs() const { return pack_files(place + "/1.git").size(); }
  std::string in_pack() const { return run({"/usr/bin/git", "-C", place + "/1.git", "count-objects", "-v"}); }
};

std::string content(const Snapshot& snapshot, const std::string& path) {
  return snapshot.read(snapshot.entry(path)->id, path, 1000);
}

}  // namespace

TEST_CASE("packs are merged when there are 50, and old and new snapshots read on") {
  RepackWorld world;
  std::vector<std::shared_ptr<const Snapshot>> snapshots;
  for (const CommitId& commit : world.history(120)) {
    world.fetch(commit);
    snapshots.push_back(world.mirror->snapshot(commit));
    world.mirror->maintain(never);
    CHECK(world.packs() <= kPacks);
  }
  for (int i = 0; i < 120; ++i)
    CHECK(content(*snapshots[static_cast<std::size_t>(i)], "f" + std::to_string(i % 7)) ==
          "change " + std::to_string(i));
  const auto fresh = open_mirror(world.place);
  CHECK(content(*fresh->snapshot(snapshots.back()->commit()), "f0") == "change 119");
  CHECK(run({"/usr/bin/git", "-C", world.place + "/1.git", "fsck", "--full", "--strict"}).empty());
}

TEST_CASE("packs stay bounded when nobody calls maintain") {
  RepackWorld world;
  for (const CommitId& commit : world.history(2 * static_cast<int>(kPacks) + 5)) world.fetch(commit);
  CHECK(world.packs() < kPacks);
}

TEST_CASE("a full repack keeps what refs and snapshots in use need, and nothing else") {
  RepackWorld world;
  world.origin.commit({{"f0", "base"}});
  const CommitId base = world.origin.tip();
  const CommitId pinned = world.push_and_fetch(1);
  world.mirror->pin("web-1", pinned);
  world.origin.set("refs/heads/main", base);
  const CommitId used = world.push_and_fetch(2);
  const auto snapshot = world.mirror->snapshot(used);
  world.origin.set("refs/heads/main", base);
  const CommitId forgotten = world.push_and_fetch(3);
  world.origin.set("refs/heads/main", base);
  const CommitId tip = world.push_and_fetch(4);
  world.origin.git({"tag", "-a", "v1", "-m", "One", tip.str()});
  const Ref tag = Ref::parse("refs/tags/v1").value();
  world.mirror->fetch(world.remote, tag, std::nullopt, never);

  auto depot = std::make_shared<Depot>(world.place + "/1.git");
  depot->hold(used);
  keep_needed(*depot, never);
  CHECK(world.packs() == 1);
  const auto fresh = open_mirror(world.place);
  CHECK(fresh->has(tip));
  CHECK(fresh->has(pinned));
  CHECK(fresh->has(used));
  CHECK(fresh->has(world.origin.tip("refs/tags/v1")));
  CHECK_FALSE(fresh->has(forgotten));
  CHECK(content(*fresh->snapshot(pinned), "f1") == "change 1");
  // Handles that were open before find what moved.
  CHECK(content(*snapshot, "f2") == "change 2");
  CHECK(world.mirror->has(pinned));
  world.push_and_fetch(5);
}

TEST_CASE("a repack that is stopped leaves everything as it was") {
  RepackWorld world;
  for (const CommitId& commit : world.history(static_cast<int>(kPacks))) world.fetch(commit);
  const std::string before = world.in_pack();
  Cancel cancel;
  cancel.request();
  CHECK(failure_of([&] { world.mirror->maintain(cancel); }).cause() == ProblemCause::transient);
  CHECK(world.in_pack() == before);
  world.mirror->maintain(never);
  CHECK(world.packs() < kPacks);
}
