// Real servers: smart HTTP with and without TLS and credentials, git://, ssh.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "tests/unit/source/server.h"

using namespace gitopsd;
using namespace gitopsd::source;
using namespace gitopsd::source::test;

namespace {

/// Clone, new commit, a commit that is no tip, a deleted branch: what every server must give.
void check_transport(const Origin& origin, const Remote& remote, bool gives_any_commit = true) {
  Folder folder;
  const auto mirror = open_mirror(folder / "mirror");
  Cancel cancel;
  const CommitId first = origin.commit({{"a.yaml", "a: 1\n"}});
  CHECK(mirror->fetch(remote, main_ref(), first, cancel).tip == first);

  const CommitId second = origin.commit({{"a.yaml", "a: 2\n"}});
  const CommitId third = origin.commit({{"b.yaml", std::string(300'000, 'b')}});
  auto result = mirror->fetch(remote, main_ref(), second, cancel);
  CHECK(result.tip == third);
  CHECK(mirror->has(second));
  CHECK(mirror->standing(second, third, first) == Standing::ahead);
  const auto blob = mirror->snapshot(third)->entry("b.yaml");
  REQUIRE(blob);
  CHECK(mirror->snapshot(third)->read(blob->id, "b.yaml", 1u << 20).size() == 300'000);

  const Ref other = Ref::parse("refs/heads/other").value();
  const CommitId elsewhere = origin.commit({{"c.yaml", "c: 1\n"}}, "refs/heads/other");
  result = mirror->fetch(remote, main_ref(), elsewhere, cancel);
  CHECK(result.tip == third);
  CHECK(mirror->has(elsewhere) == gives_any_commit);
  CHECK(mirror->standing(elsewhere, third, first) == Standing::unreachable);
  CHECK(mirror->fetch(remote, other, elsewhere, cancel).tip == elsewhere);
  CHECK(mirror->standing(elsewhere, elsewhere, {}) == Standing::tip);

  const auto refs = mirror->remote_refs(remote, {"refs/heads/o*", "refs/heads/main"}, cancel);
  CHECK(refs == std::map<Ref, CommitId>{{main_ref(), third}, {other, elsewhere}});

  const CommitId nowhere = id("1234567890123456789012345678901234567890");
  CHECK(mirror->fetch(remote, main_ref(), nowhere, cancel).tip == third);
  CHECK_FALSE(mirror->has(nowhere));

  origin.git({"update-ref", "-d", "refs/heads/other"});
  CHECK(mirror->fetch(remote, other, std::nullopt, cancel).tip == std::nullopt);
}

}  // namespace

TEST_CASE("a repository is fetched through git's own upload-pack on this machine") {
  Folder folder;
  Origin origin(folder / "origin");
  check_transport(origin, remote_of(origin.url()));
}

TEST_CASE("a repository is fetched over HTTP, by one connection until a poll gives it up") {
  Folder folder;
  Origin origin(folder / "origin");
  HttpServer server(folder.path());
  check_transport(origin, remote_of(server.url("origin")));
  const auto requests = server.requests();
  CHECK(requests.size() == 12);
  for (const std::string& request : requests) CHECK(contains(request, " /origin/"));
  CHECK(std::count_if(requests.begin(), requests.end(), [](const auto& r) { return r.starts_with("1 "); }) ==
        9);
  CHECK(std::count_if(requests.begin(), requests.end(), [](const auto& r) { return r.starts_with("2 "); }) ==
        3);
  // What the server can do is asked once.
  CHECK(std::count_if(requests.begin(), requests.end(), [](const auto& r) { return contains(r, "GET"); }) ==
        1);
}

TEST_CASE("a repository is fetched from a server without protocol version 2") {
  Folder folder;
  Origin origin(folder / "origin");
  HttpServer server(folder.path(), {"--old"});
  SUBCASE("that gives only what it advertises") {
    check_transport(origin, remote_of(server.url("origin")), false);
  }
  SUBCASE("that gives any commit") {
    origin.git({"config", "uploadpack.allowAnySHA1InWant", "true"});
    check_transport(origin, remote_of(server.url("origin")));
  }
}

TEST_CASE("a repository is fetched from a server that closes after each request") {
  Folder folder;
  Origin origin(folder / "origin");
  HttpServer server(folder.path(), {"--close"});
  check_transport(origin, remote_of(server.url("origin")));
}

TEST_CASE("a repository is fetched over git://") {
  Folder folder;
  Origin origin(folder / "origin");
  GitDaemon server(folder.path());
  check_transport(origin, remote_of(server.url("origin")));
}

TEST_CASE("a repository is fetched over ssh") {
  Folder folder;
  Origin origin(folder / "origin's repository!");
  SUBCASE("with protocol version 2") {
    SshServer server(folder / "ssh");
    Remote remote = server.remote("/x");
    remote.url = server.url(folder.path().c_str()) + "/origin's%20repository!";
    std::filesystem::create_directory_symlink(origin.path(), folder / "origin's%20repository!");
    check_transport(origin, remote);
  }
  SUBCASE("with a server that drops GIT_PROTOCOL") {
    origin.git({"config", "uploadpack.allowAnySHA1InWant", "true"});
    std::filesystem::create_directory_symlink(origin.path(), folder / "link");
    SshServer server(folder / "ssh", false);
    check_transport(origin, server.remote(folder / "link"));
  }
}

TEST_CASE("a repository is fetched over HTTPS, with credentials sent at once") {
  Folder folder;
  Origin origin(folder / "origin");
  make_certificate(folder / "server.pem", "127.0.0.1");
  HttpServer server(folder.path(),
                    {"--certificate", folder / "server.pem.both", "--credentials", "bot:correct horse"});
  Remote remote = remote_of(server.url("origin", "https"));
  remote.ca_file = folder / "server.pem";
  remote.user = "bot";
  remote.token = Secret("correct horse");
  check_transport(origin, remote);
  for (const std::string& request : server.requests()) CHECK(request.ends_with(" credentials"));
}
