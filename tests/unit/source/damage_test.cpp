// The mirror is a cache: what breaks is cloned anew, beside what can still be read.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/source/fixture.h"

using namespace gitopsd;
using namespace gitopsd::source;
using namespace gitopsd::source::test;

namespace fs = std::filesystem;

namespace {

std::vector<std::string> packs(const std::string& mirror, const std::string& extension = ".pack") {
  std::vector<std::string> out;
  for (const auto& entry : fs::recursive_directory_iterator(mirror))
    if (entry.path().extension() == extension && !contains(entry.path(), "damaged-"))
      out.push_back(entry.path());
  return out;
}

void overwrite(const std::string& path, std::uintmax_t at, const std::string& bytes) {
  fs::permissions(path, fs::perms::owner_all);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(at));
  file << bytes;
}

std::string content(const Mirror& mirror, const CommitId& commit) {
  const auto snapshot = mirror.snapshot(commit);
  return snapshot->read(snapshot->entry("f")->id, "f", 1u << 20);
}

}  // namespace

TEST_CASE("a damaged mirror is moved aside and cloned anew by the next fetch") {
  Folder folder;
  Origin origin(folder / "origin");
  const CommitId kept = origin.commit({{"f", "kept"}});
  const CommitId tip = origin.commit({{"f", "tip"}});
  const Remote remote = remote_of(origin.url());
  const std::string place = folder / "mirror";
  {
    const auto mirror = open_mirror(place);
    mirror->fetch(remote, main_ref(), std::nullopt, never);
    mirror->pin("web-1", kept);
  }
  const std::string pack = packs(place).at(0);
  SUBCASE("a pack that is cut short") {
    fs::resize_file(pack, fs::file_size(pack) - 7);
  }
  SUBCASE("a pack that is gone") {
    fs::remove(pack);
  }
  SUBCASE("an index that is gone") {
    fs::remove(fs::path(pack).replace_extension(".idx"));
  }
  SUBCASE("a pack of zeros") {
    overwrite(pack, 12, std::string(fs::file_size(pack) - 32, '\0'));
  }
  SUBCASE("an empty index") {
    fs::resize_file(fs::path(pack).replace_extension(".idx"), 0);
  }
  SUBCASE("no configuration") {
    fs::remove(place + "/1.git/config"), fs::remove(place + "/1.git/HEAD");
  }
  SUBCASE("no objects at all") {
    fs::remove_all(place + "/1.git/objects");
  }

  const auto mirror = open_mirror(place);
  CHECK(mirror->fetch(remote, main_ref(), std::nullopt, never).tip == tip);
  CHECK(content(*mirror, tip) == "tip");
  CHECK(content(*mirror, kept) == "kept");
  CHECK(mirror->pins() == std::vector<std::string>{"web-1"});
  CHECK(fs::exists(place + "/damaged-1.git"));
  CHECK(fs::exists(place + "/2.git"));
  CHECK_FALSE(fs::exists(place + "/next.partial"));
  // And it stays so.
  const auto again = open_mirror(place);
  CHECK(content(*again, tip) == "tip");
  CHECK_FALSE(again->fetch(remote, main_ref(), std::nullopt, never).fetched_anything);
}

TEST_CASE("damage that only a read finds is mended by the next fetch, and read on meanwhile") {
  Folder folder;
  Origin origin(folder / "origin");
  std::string noise;
  for (int i = 0; i < 20'000; ++i) noise += std::to_string(i * 7919 % 10007);
  const CommitId first = origin.commit({{"f", "first"}});
  const Remote remote = remote_of(origin.url());
  const std::string place = folder / "mirror";
  auto mirror = open_mirror(place);
  mirror->fetch(remote, main_ref(), std::nullopt, never);
  const std::string healthy = packs(place).at(0);
  const CommitId second = origin.commit({{"f", noise}});
  mirror->fetch(remote, main_ref(), std::nullopt, never);
  mirror.reset();
  for (const std::string& pack : packs(place))
    if (pack != healthy) overwrite(pack, fs::file_size(pack) / 2, "damage");

  mirror = open_mirror(place);
  const auto failure = failure_of([&] { content(*mirror, second); });
  CHECK(failure.cause() == ProblemCause::transient);
  CHECK_MESSAGE(contains(failure.what(), "cloned anew by the next fetch"), failure.what());
  CHECK(content(*mirror, first) == "first");

  SUBCASE("the forge is there") {
    CHECK(mirror->fetch(remote, main_ref(), second, never).tip == second);
    CHECK(content(*mirror, second) == noise);
    CHECK(content(*mirror, first) == "first");
  }
  SUBCASE("the forge is gone") {
    fs::rename(folder / "origin", folder / "away");
    failure_of([&] { mirror->fetch(remote, main_ref(), second, never); });
    CHECK(content(*mirror, first) == "first");
    fs::rename(folder / "away", folder / "origin");
    CHECK(mirror->fetch(remote, main_ref(), second, never).tip == second);
    CHECK(content(*mirror, second) == noise);
  }
}

TEST_CASE("a kept revision that the forge has lost is carried over from the damaged mirror") {
  Folder folder;
  Origin origin(folder / "origin");
  const CommitId lost = origin.commit({{"f", "lost"}});
  const Remote remote = remote_of(origin.url());
  const std::string place = folder / "mirror";
  auto mirror = open_mirror(place);
  mirror->fetch(remote, main_ref(), std::nullopt, never);
  mirror->pin("web-1", lost);
  const std::string healthy = packs(place).at(0);
  const CommitId tip = origin.commit_tree(origin.tree("100644 blob " + origin.blob("tip").str() + "\tf\n"));
  origin.set("refs/heads/main", tip);
  origin.git({"reflog", "expire", "--expire=now", "--all"});
  origin.git({"gc", "-q", "--prune=now"});
  mirror->fetch(remote, main_ref(), std::nullopt, never);
  mirror.reset();
  for (const std::string& pack : packs(place))
    if (pack != healthy) fs::resize_file(pack, 10);

  mirror = open_mirror(place);
  CHECK(mirror->fetch(remote, main_ref(), std::nullopt, never).tip == tip);
  CHECK(fs::exists(place + "/2.git"));
  CHECK(content(*mirror, tip) == "tip");
  CHECK(content(*mirror, lost) == "lost");
  CHECK(mirror->pins() == std::vector<std::string>{"web-1"});
}

TEST_CASE("what a cut-off fetch or clone left is removed, and a half-made successor too") {
  Folder folder;
  const std::string place = folder / "mirror";
  open_mirror(place);
  std::ofstream(place + "/1.git/objects/pack/pack_git2_abcdef") << "half";
  fs::create_directories(place + "/next.partial");
  fs::create_directories(place + "/0.git");
  open_mirror(place);
  CHECK_FALSE(fs::exists(place + "/1.git/objects/pack/pack_git2_abcdef"));
  CHECK_FALSE(fs::exists(place + "/next.partial"));
  CHECK(fs::exists(place + "/1.git/HEAD"));
}

TEST_CASE("pins have names, stay through restarts, and need their commit") {
  Folder folder;
  Origin origin(folder / "origin");
  const CommitId tip = origin.commit({{"f", "1"}});
  auto mirror = open_mirror(folder / "mirror");
  mirror->fetch(remote_of(origin.url()), main_ref(), std::nullopt, never);
  mirror->pin("web/12", tip);
  mirror->pin("web/13", tip);
  mirror->pin("web/13", tip);
  mirror->unpin("web/12");
  mirror->unpin("absent");
  CHECK(failure_of([&] { mirror->pin("bad..name", tip); }).cause() == ProblemCause::input);
  CHECK(failure_of([&] { mirror->pin("x", id("1234567890123456789012345678901234567890")); }).cause() ==
        ProblemCause::input);
  mirror = open_mirror(folder / "mirror");
  CHECK(mirror->pins() == std::vector<std::string>{"web/13"});
}

TEST_CASE("damage that a repack finds has the mirror cloned anew") {
  Folder folder;
  Origin origin(folder / "origin");
  const Remote remote = remote_of(origin.url());
  const std::string place = folder / "mirror";
  const auto mirror = open_mirror(place);
  CommitId tip;
  for (int i = 0; i < 50; ++i) {
    tip = origin.commit({{"f", "change " + std::to_string(i)}});
    mirror->fetch(remote, main_ref(), tip, never);
  }
  for (const std::string& pack : packs(place))
    overwrite(pack, fs::file_size(pack) - 32, "damage");  // the blob
  failure_of([&] { mirror->maintain(never); });
  CHECK(mirror->fetch(remote, main_ref(), tip, never).tip == tip);
  CHECK(content(*mirror, tip) == "change 49");
  CHECK(packs(place).size() <= 3);
}
