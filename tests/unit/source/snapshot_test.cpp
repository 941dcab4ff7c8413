// Trees, good and hostile, made by git itself or past its checks.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/hash.h"
#include "tests/unit/source/fixture.h"

using namespace gitopsd;
using namespace gitopsd::source;
using namespace gitopsd::source::test;

namespace {

struct SnapshotWorld {
  Folder folder;
  Origin origin{folder / "origin"};
  std::unique_ptr<Mirror> mirror = open_mirror(folder / "mirror");
  Cancel cancel;

  std::shared_ptr<const Snapshot> fetch(const CommitId& commit) {
    origin.set("refs/heads/main", commit);
    REQUIRE(mirror->fetch(remote_of(origin.url()), main_ref(), commit, cancel).tip == commit);
    return mirror->snapshot(commit);
  }
  std::shared_ptr<const Snapshot> fetch_tree(const CommitId& tree) { return fetch(origin.commit_tree(tree)); }
};

std::string entry(const char* mode_and_type, const CommitId& id, const std::string& name) {
  return std::string(mode_and_type) + " " + id.str() + "\t" + name + "\n";
}

long peak_kilobytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == "VmHWM:") {
      long out = 0;
      status >> out;
      return out;
    }
  FAIL("no VmHWM");
  return 0;
}

std::vector<std::string> paths(const std::vector<TreeEntry>& entries) {
  std::vector<std::string> out;
  for (const TreeEntry& e : entries) out.push_back(e.path);
  return out;
}

}  // namespace

TEST_CASE("entries, files and kinds of a tree") {
  SnapshotWorld world;
  const CommitId blob = world.origin.blob("x");
  const CommitId deep =
      world.origin.tree(entry("100755 blob", blob, "run.sh") + entry("120000 blob", blob, "loop"));
  const CommitId inner =
      world.origin.tree(entry("100644 blob", blob, "b.yaml") + entry("040000 tree", deep, "b"));
  const auto snapshot = world.fetch_tree(
      world.origin.tree(entry("040000 tree", inner, "a") + entry("100644 blob", blob, "a.yaml")));

  CHECK(paths(snapshot->files("", 100)) ==
        std::vector<std::string>{"a.yaml", "a/b.yaml", "a/b/loop", "a/b/run.sh"});
  CHECK(paths(snapshot->files("a/b", 100)) == std::vector<std::string>{"a/b/loop", "a/b/run.sh"});
  CHECK(snapshot->entry("")->kind == EntryKind::directory);
  CHECK(snapshot->entry("a/b")->kind == EntryKind::directory);
  CHECK(snapshot->entry("a/b")->id == deep);
  CHECK(snapshot->entry("a/b/run.sh")->kind == EntryKind::executable);
  CHECK(snapshot->entry("a/b/loop")->kind == EntryKind::symlink);
  CHECK(snapshot->entry("a.yaml")->kind == EntryKind::file);
  CHECK_FALSE(snapshot->entry("a/absent"));
  CHECK_FALSE(snapshot->entry("a.yaml/below"));
  CHECK_FALSE(snapshot->entry("a/b/loop/below"));
  CHECK(failure_of([&] { snapshot->files("absent", 9); }).cause() == ProblemCause::input);
  CHECK(failure_of([&] { snapshot->files("a.yaml", 9); }).cause() == ProblemCause::input);
  CHECK(snapshot->files("", 6).size() == 4);  // four files in two folders
  CHECK(contains(failure_of([&] { snapshot->files("", 5); }).what(), "more than 5 files and folders"));
}

TEST_CASE("a path that would leave the tree is refused") {
  SnapshotWorld world;
  const auto snapshot = world.fetch(world.origin.commit({{"a/b", "x"}}));
  for (const char* path : {"..", "a/..", "../a", "a/../a/b", "/a", "a/", "a//b", "./a", "."}) {
    CAPTURE(path);
    CHECK(failure_of([&] { snapshot->entry(path); }).cause() == ProblemCause::input);
    CHECK(failure_of([&] { snapshot->files(path, 9); }).cause() == ProblemCause::input);
  }
}

TEST_CASE("a symbolic link loop is only an entry") {
  SnapshotWorld world;
  const CommitId up = world.origin.blob("..");
  const auto snapshot = world.fetch_tree(world.origin.tree(entry("120000 blob", up, "loop")));
  CHECK(paths(snapshot->files("", 9)) == std::vector<std::string>{"loop"});
  CHECK_FALSE(snapshot->entry("loop/loop"));
}

TEST_CASE("names that could leave the tree or reach Git's own files are refused with commit and path") {
  for (const std::string name : {"..", ".", ".git", ".GIT", "a/b"}) {
    CAPTURE(name);
    SnapshotWorld world;
    const CommitId blob = world.origin.blob("x");
    const CommitId bad = world.origin.raw_tree({{"100644 " + name, blob}});
    const CommitId commit = world.origin.commit_tree(world.origin.raw_tree({{"40000 web", bad}}));
    const auto snapshot = world.fetch(commit);
    const auto failure = failure_of([&] { snapshot->files("web", 9); });
    CHECK(failure.cause() == ProblemCause::input);
    CHECK_MESSAGE(contains(failure.what(), "commit " + commit.str() + ": web: "), failure.what());
    CHECK_MESSAGE(contains(failure.what(), name), failure.what());
    CHECK(failure_of([&] { snapshot->entry("web/x"); }).cause() == ProblemCause::input);
  }
}

TEST_CASE("trees out of order, with doubles, odd modes or cut off are refused") {
  SnapshotWorld world;
  const CommitId blob = world.origin.blob("x");
  const std::vector<std::pair<std::string, CommitId>> trees[] = {
      {{"100644 b", blob}, {"100644 a", blob}},
      {{"100644 a", blob}, {"100644 a", blob}},
      // A link and a folder of one name, which are no neighbours in Git's order.
      {{"120000 a", blob}, {"100644 a.b", blob}, {"40000 a", world.origin.raw_tree({{"100644 x", blob}})}},
      {{"777777 a", blob}},
      {{"100644 " + std::string(300, 'n'), blob}},
  };
  for (const auto& tree : trees) {
    const auto snapshot =
        world.fetch_tree(world.origin.raw_tree({{"40000 web", world.origin.raw_tree(tree)}}));
    CHECK(failure_of([&] { snapshot->files("", 9); }).cause() == ProblemCause::input);
  }
}

TEST_CASE("an entry whose object is of another type is refused") {
  SnapshotWorld world;
  const CommitId blob = world.origin.blob("x");
  const CommitId tree = world.origin.tree(entry("100644 blob", blob, "a"));
  const auto snapshot = world.fetch_tree(tree);
  CHECK(failure_of([&] { snapshot->read(tree, "a", 100); }).cause() == ProblemCause::input);
}

TEST_CASE("a submodule below the path is a failure, elsewhere it is none") {
  SnapshotWorld world;
  const CommitId blob = world.origin.blob("x");
  const CommitId vendor =
      world.origin.tree(entry("160000 commit", id("1234567890123456789012345678901234567890"), "lib"));
  const auto snapshot = world.fetch_tree(
      world.origin.tree(entry("040000 tree", vendor, "vendor") +
                        entry("040000 tree", world.origin.tree(entry("100644 blob", blob, "a")), "web")));
  CHECK(snapshot->files("web", 9).size() == 1);
  CHECK(snapshot->entry("vendor/lib")->kind == EntryKind::submodule);
  const auto failure = failure_of([&] { snapshot->files("", 9); });
  CHECK(failure.cause() == ProblemCause::input);
  CHECK_MESSAGE(contains(failure.what(), "vendor/lib is a submodule"), failure.what());
}

TEST_CASE("a Git LFS pointer is never handed out as content") {
  SnapshotWorld world;
  const std::string pointer =
      "version https://git-lfs.github.com/spec/v1\noid sha256:" + std::string(64, 'a') + "\nsize 12345\n";
  const auto snapshot =
      world.fetch(world.origin.commit({{"big.bin", pointer},
                                       {"doc.txt", "see version https://git-lfs.github.com/spec/v1\n"},
                                       {"long.txt", pointer + std::string(1024, 'x')}}));
  const auto failure = failure_of([&] { snapshot->read(snapshot->entry("big.bin")->id, "big.bin", 10'000); });
  CHECK(failure.cause() == ProblemCause::input);
  CHECK_MESSAGE(contains(failure.what(), "big.bin is a Git LFS pointer"), failure.what());
  CHECK(snapshot->read(snapshot->entry("doc.txt")->id, "doc.txt", 10'000).starts_with("see "));
  CHECK(snapshot->read(snapshot->entry("long.txt")->id, "long.txt", 10'000).size() > 1024);
}

TEST_CASE("a large blob is refused by its header, in bounded memory") {
  SnapshotWorld world;
  const std::string sparse = world.folder / "sparse";
  std::ofstream(sparse).close();
  std::filesystem::resize_file(sparse, 100u << 20);
  const CommitId blob = id(world.origin.git({"hash-object", "-w", sparse}));
  std::ofstream("/proc/self/clear_refs") << "5";  // the peak counts from now on
  const long before = peak_kilobytes();
  const auto snapshot = world.fetch_tree(world.origin.tree(entry("100644 blob", blob, "big")));
  const auto failure = failure_of([&] { snapshot->read(snapshot->entry("big")->id, "big", 4u << 20); });
  CHECK(failure.cause() == ProblemCause::input);
  CHECK_MESSAGE(contains(failure.what(), ": big: 104857600 bytes, the limit is 4194304"), failure.what());
  CHECK(peak_kilobytes() - before < 50 * 1024);
}

TEST_CASE("100,000 files are listed, and one changed among them is found without opening the rest") {
  SnapshotWorld world;
  const CommitId blob = world.origin.blob("x"), other = world.origin.blob("y");
  std::string lines, top;
  for (int i = 0; i < 1000; ++i) lines += entry("100644 blob", blob, "file-" + std::to_string(i) + ".yaml");
  const CommitId tree = world.origin.tree(lines);
  const CommitId changed = world.origin.tree(lines + entry("100644 blob", other, "file-new.yaml"));
  std::string before, after;
  for (int i = 0; i < 100; ++i) {
    before += entry("040000 tree", tree, "folder-" + std::to_string(i));
    after += entry("040000 tree", i == 50 ? changed : tree, "folder-" + std::to_string(i));
  }
  const auto old_snapshot = world.fetch_tree(world.origin.tree(before));
  const auto snapshot = world.fetch_tree(world.origin.tree(after));
  CHECK(old_snapshot->files("", 200'000).size() == 100'000);
  const auto changes = snapshot->changes_since(*old_snapshot, "");
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].path == "folder-50/file-new.yaml");
  CHECK_FALSE(changes[0].before);
  CHECK(changes[0].after->id == other);
  CHECK(failure_of([&] { old_snapshot->files("", 50'000); }).cause() == ProblemCause::input);
}

TEST_CASE("a tree that holds itself ten times over ten levels deep is refused at the limit") {
  SnapshotWorld world;
  CommitId tree = world.origin.tree("");
  for (int level = 0; level < 10; ++level) {
    std::string lines;
    for (int i = 0; i < 10; ++i) lines += entry("040000 tree", tree, "d" + std::to_string(i));
    tree = world.origin.tree(lines);
  }
  const auto snapshot = world.fetch_tree(tree);
  CHECK(contains(failure_of([&] { snapshot->files("", 100'000); }).what(),
                 "more than 100000 files and folders"));
}

TEST_CASE("a tree nested without end is refused") {
  SnapshotWorld world;
  CommitId tree = world.origin.tree(entry("100644 blob", world.origin.blob("x"), "f"));
  for (int level = 0; level < 200; ++level) tree = world.origin.raw_tree({{"40000 d", tree}});
  const auto snapshot = world.fetch_tree(tree);
  CHECK(contains(failure_of([&] { snapshot->files("", 100'000); }).what(), "nested too deep"));
}

TEST_CASE("changes between two snapshots") {
  SnapshotWorld world;
  const auto older =
      world.fetch(world.origin.commit({{"web/a", "1"}, {"web/b", "1"}, {"web/dir/x", "1"}, {"top", "1"}}));
  world.origin.git(
      {"fast-import", "--quiet"},
      "commit refs/heads/main\ncommitter A <a@b> 1 +0000\ndata 0\nfrom refs/heads/main^0\n"
      "M 100755 inline web/a\ndata 1\n1\nD web/b\nD web/dir\nM 100644 inline web/dir\ndata 1\n2\n"
      "M 100644 inline web/n/new\ndata 1\n3\nM 100644 inline top\ndata 1\n2\n");
  const auto newer = world.fetch(world.origin.tip());

  std::map<std::string, std::string> seen;
  for (const auto& change : newer->changes_since(*older, "web"))
    seen[change.path] = std::string(change.before ? "-" : "") + (change.after ? "+" : "");
  CHECK(seen ==
        std::map<std::string, std::string>{
            {"web/a", "-+"}, {"web/b", "-"}, {"web/dir", "+"}, {"web/dir/x", "-"}, {"web/n/new", "+"}});
  CHECK(newer->changes_since(*newer, "").empty());
  CHECK(newer->changes_since(*older, "absent").empty());
  const auto one = newer->changes_since(*older, "top");
  REQUIRE(one.size() == 1);
  CHECK(one[0].path == "top");
  CHECK(one[0].before->id == older->entry("top")->id);
  CHECK(one[0].after->id == newer->entry("top")->id);
  CHECK(newer->changes_since(*older, "web/dir").size() == 2);
}

TEST_CASE("the words of a commit are printable, whatever it holds") {
  SnapshotWorld world;
  const CommitId commit =
      world.origin.commit({{"a", "1"}}, "refs/heads/main", "J\xc3\xbcrgen \x1b[31m mends\nmore\n");
  const auto snapshot = world.fetch(commit);
  CHECK(snapshot->subject() == "J\xc3\xbcrgen  [31m mends");
  const CommitId bad = world.origin.commit({{"a", "2"}}, "refs/heads/main", "J\xfcrgen mends\n");
  CHECK(world.fetch(bad)->subject() == "J rgen mends");
  CHECK(failure_of([&] { world.mirror->snapshot(id("1234567890123456789012345678901234567890")); }).cause() ==
        ProblemCause::input);
}
