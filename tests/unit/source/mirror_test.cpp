// What every transport has in common, over the one that needs no server.
#include <doctest/doctest.h>

#include "tests/unit/source/fixture.h"

using namespace gitopsd;
using namespace gitopsd::source;
using namespace gitopsd::source::test;

TEST_CASE("a fetch brings the tip of the ref, and the second only what is new") {
  Folder folder;
  Origin origin(folder / "origin");
  const CommitId first = origin.commit({{"web/site.yaml", "a: 1\n"}});
  const auto mirror = open_mirror(folder / "mirror");
  Remote remote = remote_of(origin.url());
  Cancel cancel;
  std::uint64_t received = 0;
  remote.progress = [&](const Progress& progress) { received = progress.bytes; };

  auto result = mirror->fetch(remote, main_ref(), first, cancel);
  CHECK(result.tip == first);
  CHECK(result.fetched_anything);
  CHECK(received > 0);
  const auto snapshot = mirror->snapshot(first);
  const auto file = snapshot->entry("web/site.yaml");
  REQUIRE(file);
  CHECK(snapshot->read(file->id, file->path, 100) == "a: 1\n");

  result = mirror->fetch(remote, main_ref(), first, cancel);
  CHECK(result.tip == first);
  CHECK_FALSE(result.fetched_anything);

  const CommitId second = origin.commit({{"web/site.yaml", "a: 2\n"}});
  result = mirror->fetch(remote, main_ref(), second, cancel);
  CHECK(result.tip == second);
  CHECK(result.fetched_anything);
  CHECK(mirror->snapshot(second)->subject() == "A change");
  CHECK(mirror->snapshot(second)->author() == "Ada Example <ada@example.com>");
}
