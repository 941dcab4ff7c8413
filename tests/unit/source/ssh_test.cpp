// What ssh refuses, and what the failure says.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/source/server.h"

using namespace gitopsd;
using namespace gitopsd::source;
using namespace gitopsd::source::test;

namespace {

Failure fetch_failure(const Remote& remote) {
  Folder folder;
  Cancel cancel;
  const auto mirror = open_mirror(folder / "mirror");
  Failure failure = failure_of([&] { mirror->fetch(remote, main_ref(), std::nullopt, cancel); });
  CHECK_MESSAGE(contains(failure.what(), "repository web: 127.0.0.1:"), failure.what());
  return failure;
}

}  // namespace

TEST_CASE("ssh: a changed host key is refused with both fingerprints") {
  Folder folder;
  Origin origin(folder / "origin");
  origin.commit({{"a", "a"}});
  SshServer server(folder / "ssh");
  const std::string known = server.fingerprint();
  server.change_host_key();
  const auto failure = fetch_failure(server.remote(origin.path()));
  CHECK(failure.cause() == ProblemCause::permission);
  CHECK_MESSAGE(contains(failure.what(), "it shows " + server.fingerprint() + ","), failure.what());
  CHECK_MESSAGE(contains(failure.what(), "says " + known + ";"), failure.what());
  CHECK(known != server.fingerprint());
}

TEST_CASE("ssh: an unknown host, a strange key, a missing repository and no known_hosts each say so") {
  Folder folder;
  Origin origin(folder / "origin");
  origin.commit({{"a", "a"}});
  SshServer server(folder / "ssh");
  Remote remote = server.remote(origin.path());
  const std::ofstream empty(folder / "empty");

  SUBCASE("unknown host") {
    remote.known_hosts = folder / "empty";
    const auto failure = fetch_failure(remote);
    CHECK(failure.cause() == ProblemCause::permission);
    CHECK_MESSAGE(contains(failure.what(), "is not in " + folder.path() + "/empty"), failure.what());
    CHECK_MESSAGE(contains(failure.what(), "ssh-keyscan"), failure.what());
  }
  SUBCASE("a key that may not log in") {
    remote.ssh_key = folder / "ssh/stranger";
    const auto failure = fetch_failure(remote);
    CHECK(failure.cause() == ProblemCause::permission);
    CHECK_MESSAGE(contains(failure.what(), "refuses the key"), failure.what());
    CHECK_MESSAGE(contains(failure.what(), "deploy keys"), failure.what());
  }
  SUBCASE("a key file that is not there") {
    remote.ssh_key = folder / "ssh/absent";
    CHECK(fetch_failure(remote).cause() == ProblemCause::permission);
  }
  SUBCASE("no such repository") {
    remote.url = server.url(folder / "absent");
    const auto failure = fetch_failure(remote);
    CHECK(failure.cause() == ProblemCause::permission);
    CHECK_MESSAGE(contains(failure.what(), "does not appear to be a git repository"), failure.what());
  }
  SUBCASE("no known_hosts") {
    remote.known_hosts.clear();
    const auto failure = fetch_failure(remote);
    CHECK(failure.cause() == ProblemCause::input);
    CHECK_MESSAGE(contains(failure.what(), "known_hosts"), failure.what());
  }
  SUBCASE("nobody listens") {
    int port = 0;
    const Fd kept(bound_socket(port));  // so that nobody else listens there, either
    remote.url = "ssh://127.0.0.1:" + std::to_string(port) + "/x";
    const auto failure = fetch_failure(remote);
    CHECK(failure.cause() == ProblemCause::transient);
    CHECK_MESSAGE(contains(failure.what(), "Connection refused"), failure.what());
  }
  SUBCASE("a server that says nothing") {
    Listener silent(wait_for_close);
    remote.url = "ssh://127.0.0.1:" + std::to_string(silent.port()) + "/x";
    remote.idle_timeout = std::chrono::milliseconds(400);
    const auto began = Monotonic::now();
    CHECK(fetch_failure(remote).cause() == ProblemCause::transient);
    CHECK(Monotonic::now() - began < std::chrono::seconds(60));
  }
}
