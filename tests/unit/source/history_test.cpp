// Tags, forced pushes, and where a commit stands.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <thread>

#include "tests/unit/source/server.h"

using namespace gitopsd;
using namespace gitopsd::source;
using namespace gitopsd::source::test;

namespace {

struct HistoryWorld {
  Folder folder;
  Origin origin{folder / "origin"};
  std::unique_ptr<Mirror> mirror = open_mirror(folder / "mirror");
  Cancel cancel;

  FetchResult fetch(const Ref& ref = main_ref(), const std::optional<CommitId>& wanted = std::nullopt) {
    return mirror->fetch(remote_of(origin.url()), ref, wanted, cancel);
  }
};

}  // namespace

TEST_CASE("an annotated tag is peeled: its tip is the commit, its `after` the tag object") {
  HistoryWorld world;
  const CommitId commit = world.origin.commit({{"a", "1"}});
  world.origin.git({"tag", "-a", "v1", "-m", "One", commit.str()});
  world.origin.git({"tag", "-a", "v1-again", "-m", "Of a tag", "v1"});
  world.origin.git({"tag", "light", commit.str()});
  const CommitId tag = world.origin.tip("refs/tags/v1");
  REQUIRE(tag != commit);
  const Ref ref = Ref::parse("refs/tags/v1").value();

  CHECK(world.fetch(ref, tag).tip == commit);
  CHECK(world.mirror->has(tag));
  CHECK(world.mirror->peel(tag) == commit);
  CHECK(world.mirror->peel(commit) == commit);
  CHECK(world.mirror->standing(tag, commit, {}) == Standing::tip);
  CHECK(world.mirror->standing(commit, tag, {}) == Standing::tip);
  CHECK(world.fetch(Ref::parse("refs/tags/v1-again").value()).tip == commit);
  CHECK(world.mirror->peel(world.origin.tip("refs/tags/v1-again")) == commit);
  CHECK_FALSE(world.fetch(ref, tag).fetched_anything);

  const auto refs = world.mirror->remote_refs(remote_of(world.origin.url()), {"refs/tags/*"}, world.cancel);
  CHECK(refs.size() == 3);
  for (const auto& [name, id] : refs) CHECK(id == commit);
}

TEST_CASE("a commit is found by the first digits of its id, unless other objects' begin so too") {
  HistoryWorld world;
  std::map<std::string, std::string> files;
  for (int i = 0; i < 1500; ++i) files["f" + std::to_string(i)] = std::to_string(i);
  const CommitId commit = world.origin.commit(files);
  world.origin.git({"tag", "-a", "v1", "-m", "One", commit.str()});
  const CommitId tag = world.origin.tip("refs/tags/v1");
  world.fetch(Ref::parse("refs/tags/v1").value(), tag);
  CHECK(world.mirror->find(commit.str().substr(0, 12)) == commit);
  CHECK(world.mirror->find(tag.str().substr(0, 12)) == commit);
  CHECK(world.mirror->find("0000000000") == std::nullopt);
  std::set<std::string> seen;
  std::string blob, shared;
  for (const auto& entry : world.mirror->snapshot(commit)->files("", 2000)) {
    blob = entry.id.str();
    if (!seen.insert(blob.substr(0, 4)).second) shared = blob.substr(0, 4);
  }
  CHECK(world.mirror->find(blob.substr(0, 12)) == std::nullopt);  // it is no commit
  REQUIRE_FALSE(shared.empty());
  const auto failure = failure_of([&] { world.mirror->find(shared); });
  CHECK(failure.cause() == ProblemCause::input);
  CHECK_MESSAGE(contains(failure.what(), "several objects"), failure.what());
}

TEST_CASE("a ref of something that is no commit is an input failure") {
  HistoryWorld world;
  world.origin.commit({{"a", "1"}});
  world.origin.set("refs/tags/blob", world.origin.blob("x"));
  const auto failure = failure_of([&] { world.fetch(Ref::parse("refs/tags/blob").value()); });
  CHECK(failure.cause() == ProblemCause::input);
  CHECK_MESSAGE(contains(failure.what(), "refs/tags/blob leads to"), failure.what());
  CHECK_FALSE(world.mirror->peel(world.origin.tip("refs/tags/blob")));
}

TEST_CASE("tags are never fetched but when asked for") {
  HistoryWorld world;
  const CommitId commit = world.origin.commit({{"a", "1"}});
  world.origin.git({"tag", "-a", "v1", "-m", "One", commit.str()});
  world.fetch();
  CHECK_FALSE(world.mirror->has(world.origin.tip("refs/tags/v1")));
}

TEST_CASE("where a commit stands to the tip and to what was applied") {
  HistoryWorld world;
  const CommitId a = world.origin.commit({{"f", "a"}}), b = world.origin.commit({{"f", "b"}}),
                 c = world.origin.commit({{"f", "c"}});
  const CommitId merged = world.origin.commit_tree(world.origin.tip("main^{tree}"), {c, a});
  world.origin.set("refs/heads/main", merged);
  world.fetch();
  const auto& mirror = *world.mirror;
  CHECK(mirror.standing(merged, merged, c) == Standing::tip);
  CHECK(mirror.standing(a, a, c) == Standing::tip);
  CHECK(mirror.standing(b, merged, a) == Standing::ahead);
  CHECK(mirror.standing(b, merged, {}) == Standing::ahead);
  CHECK(mirror.standing(a, merged, b) == Standing::behind_or_unrelated);
  CHECK(mirror.standing(b, merged, b) == Standing::behind_or_unrelated);
  CHECK(mirror.standing(c, b, a) == Standing::unreachable);
  CHECK(mirror.standing(c, b, a) == Standing::unreachable);
  const CommitId absent = id("1234567890123456789012345678901234567890");
  CHECK(mirror.standing(absent, merged, a) == Standing::unreachable);
  CHECK(mirror.standing({}, merged, a) == Standing::unreachable);
  CHECK(mirror.standing(b, merged, absent) == Standing::behind_or_unrelated);
}

TEST_CASE("after a forced push the new tip counts, also when the branch went back") {
  HistoryWorld world;
  const CommitId base = world.origin.commit({{"f", "base"}}), old = world.origin.commit({{"f", "old"}});
  world.fetch();
  world.origin.set("refs/heads/main", base);
  CHECK(world.fetch(main_ref(), base).tip == base);
  CHECK(world.mirror->standing(base, base, old) == Standing::tip);
  CHECK(world.mirror->standing(old, base, base) == Standing::unreachable);

  const CommitId other = world.origin.commit({{"f", "other"}});
  CHECK(world.fetch(main_ref(), old).tip == other);
  CHECK(world.mirror->standing(old, other, base) == Standing::unreachable);
  CHECK(world.mirror->standing(other, other, old) == Standing::tip);
}

TEST_CASE("after a forced push and a prune on the server only what is new is sent") {
  HistoryWorld world;
  HttpServer server(world.folder.path());
  const Remote remote = remote_of(server.url("origin"));
  CommitId base;
  for (int i = 0; i < 10; ++i)
    base = world.origin.commit(
        {{"big", std::string(100'000, static_cast<char>('a' + i)) + std::to_string(i * 7919)}});
  world.origin.commit({{"f", "lost"}});
  world.mirror->fetch(remote, main_ref(), std::nullopt, world.cancel);
  world.origin.set("refs/heads/main", base);
  const CommitId next = world.origin.commit({{"f", "next"}});
  world.origin.git({"reflog", "expire", "--expire=now", "--all"});
  world.origin.git({"gc", "-q", "--prune=now"});
  CHECK(world.mirror->fetch(remote, main_ref(), next, world.cancel).tip == next);
  // The second pack holds a commit, a tree and a blob, not the history again.
  const std::string counted =
      run({"/usr/bin/git", "-C", world.folder / "mirror/1.git", "count-objects", "-v"});
  CHECK_MESSAGE(contains(counted, "in-pack: " + std::to_string(10 * 3 + 3 + 3) + "\n"), counted);
}

TEST_CASE("a SHA-256 repository is an input failure, whichever way it is asked") {
  Folder folder;
  Origin origin(folder / "origin", {"--object-format=sha256"});
  origin.git({"fast-import", "--quiet"},
             "commit refs/heads/main\ncommitter A <a@b> 1 +0000\ndata 0\nM 100644 inline a\ndata 1\nx\n");
  HttpServer server(folder.path()), old(folder.path(), {"--old"});
  GitDaemon daemon(folder.path());
  const auto mirror = open_mirror(folder / "mirror");
  Cancel cancel;
  for (const std::string& url :
       {origin.url(), server.url("origin"), old.url("origin"), daemon.url("origin")}) {
    CAPTURE(url);
    const auto failure = failure_of([&] { mirror->fetch(remote_of(url), main_ref(), std::nullopt, cancel); });
    CHECK(failure.cause() == ProblemCause::input);
    CHECK_MESSAGE(contains(failure.what(), "SHA-256"), failure.what());
  }
}

TEST_CASE("an empty repository and a missing ref have no tip; a ref that went has none any more") {
  HistoryWorld world;
  CHECK(world.fetch().tip == std::nullopt);
  world.origin.commit({{"a", "1"}});
  CHECK(world.fetch(Ref::parse("refs/heads/mai").value()).tip == std::nullopt);
  CHECK(world.fetch().tip);
  world.origin.git({"update-ref", "-d", "refs/heads/main"});
  CHECK(world.fetch().tip == std::nullopt);
}

TEST_CASE("plain HTTP and HTTPS go through the proxy that is configured") {
  Folder folder;
  Origin origin(folder / "origin");
  const CommitId tip = origin.commit({{"a", "1"}});
  const auto mirror = open_mirror(folder / "mirror");
  Cancel cancel;
  SUBCASE("plain, by whole URLs") {
    HttpServer server(folder.path());
    Remote remote = remote_of("http://git.example.invalid/origin");
    remote.proxy = "http://127.0.0.1:" + std::to_string(server.port());
    CHECK(mirror->fetch(remote, main_ref(), std::nullopt, cancel).tip == tip);
    CHECK(contains(server.requests().at(0), "GET http://git.example.invalid/origin/info/refs"));
  }
  SUBCASE("TLS, by a tunnel") {
    make_certificate(folder / "server.pem", "git.example.invalid");
    HttpServer server(folder.path(), {"--certificate", folder / "server.pem.both"});
    std::string asked;
    Listener proxy([&](int fd) {
      asked = read_request(fd);
      send_all(fd, "HTTP/1.1 200 Connected\r\n\r\n");
      relay(fd, server.port());
    });
    Remote remote = remote_of("https://git.example.invalid/origin");
    remote.ca_file = folder / "server.pem";
    remote.token = Secret("s3cret-token-of-the-test");
    remote.proxy = "http://127.0.0.1:" + std::to_string(proxy.port());
    CHECK(mirror->fetch(remote, main_ref(), std::nullopt, cancel).tip == tip);
    CHECK(asked.starts_with("CONNECT git.example.invalid:443 HTTP/1.1\r\n"));
    CHECK_FALSE(contains(asked, "Authorization"));
  }
  SUBCASE("a proxy that refuses") {
    Listener proxy([&](int fd) {
      read_request(fd);
      send_all(fd, "HTTP/1.1 403 Forbidden\r\n\r\n");
    });
    Remote remote = remote_of("https://git.example.invalid/origin");
    remote.proxy = "http://127.0.0.1:" + std::to_string(proxy.port());
    const auto failure = failure_of([&] { mirror->fetch(remote, main_ref(), std::nullopt, cancel); });
    CHECK(failure.cause() == ProblemCause::permission);
    CHECK_MESSAGE(contains(failure.what(), "proxy 127.0.0.1:"), failure.what());
    CHECK_MESSAGE(contains(failure.what(), "403"), failure.what());
  }
}

TEST_CASE("a host whose name is not found is a transient failure") {
  Folder folder;
  Cancel cancel;
  const auto mirror = open_mirror(folder / "mirror");
  const auto failure = failure_of(
      [&] { mirror->fetch(remote_of("https://git.example.invalid/x"), main_ref(), std::nullopt, cancel); });
  CHECK(failure.cause() == ProblemCause::transient);
  CHECK_MESSAGE(contains(failure.what(), "git.example.invalid:443"), failure.what());
}

TEST_CASE("fetches, reads, pins and repacks from many threads at once") {
  HistoryWorld world;
  HttpServer server(world.folder.path());
  const Remote remote = remote_of(server.url("origin"));
  std::vector<CommitId> commits;
  for (int i = 0; i < 8; ++i)
    commits.push_back(world.origin.commit({{"f" + std::to_string(i), std::string(5000, 'x')}}));
  std::atomic<int> bad{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 5; ++i) {
        const CommitId& commit = commits[static_cast<std::size_t>(t) + static_cast<std::size_t>(i)];
        if (world.mirror->fetch(remote, main_ref(), commit, world.cancel).tip != commits.back()) ++bad;
        const auto snapshot = world.mirror->snapshot(commit);
        for (const TreeEntry& file : snapshot->files("", 100))
          if (snapshot->read(file.id, file.path, 10'000).size() != 5000) ++bad;
        world.mirror->pin("t" + std::to_string(t), commit);
        world.mirror->maintain(world.cancel);
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(bad == 0);
  CHECK(world.mirror->pins().size() == 4);
}

TEST_CASE("many pins become one file, and stay what they are") {
  HistoryWorld world;
  const CommitId first = world.origin.commit({{"f", "1"}});
  const CommitId second = world.origin.commit({{"f", "2"}});
  world.fetch();
  for (int i = 0; i < 250; ++i) world.mirror->pin("a" + std::to_string(i), i % 2 == 0 ? first : second);
  world.mirror->maintain(world.cancel);
  const auto loose = [&] {
    const std::filesystem::recursive_directory_iterator files(world.folder / "mirror");
    return std::count_if(begin(files), end(files), [](const std::filesystem::directory_entry& entry) {
      return entry.is_regular_file() && entry.path().string().find("/refs/") != std::string::npos;
    });
  };
  CHECK(loose() == 0);
  REQUIRE(world.mirror->pins().size() == 250);
  world.mirror->unpin("a7");
  world.mirror->pin("a8", second);
  CHECK(world.mirror->pins().size() == 249);
}
