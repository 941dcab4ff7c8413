// What a renderer can reach from inside of the sandbox.
#include "daemon/render/sandbox.h"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "tests/unit/render/tree.h"

using namespace gitopsd;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

class Room {
 public:
  Room() {
    std::string path = fs::temp_directory_path() / "gitopsd-sandbox-XXXXXX";
    REQUIRE(::mkdtemp(path.data()) != nullptr);
    base = path;
    sandbox.program = GITOPSD_RENDER;
    sandbox.folder = base + "/render";
    sandbox.limits.timeout = 30s;
    tree.file("app/a.yaml", "a: 1\n").put("app/passwd", source::EntryKind::symlink, "/etc/passwd");
    tree.put("app/near", source::EntryKind::symlink, "a.yaml");
  }
  ~Room() { fs::remove_all(base); }

  render::Ran run(const std::vector<std::string>& attempts, const std::string& child = {}) {
    const render::RunFolder folder(sandbox);
    CHECK(folder.write(tree, {"app"}).empty());
    std::vector<std::string> command{GITOPSD_PROBE};
    for (auto attempt : attempts) {
      for (const auto& [word, meant] :
           {std::pair<std::string, std::string>{"TREE", folder.tree()}, {"SCRATCH", folder.scratch()}}) {
        for (auto at = attempt.find(word); at != attempt.npos; at = attempt.find(word))
          attempt.replace(at, word.size(), meant);
      }
      command.push_back(attempt);
    }
    return render::run_in_sandbox(sandbox, folder, command, child);
  }

  std::string base;
  render::Sandbox sandbox;
  test::Tree tree;
};

}  // namespace

TEST_CASE("a renderer reads its snapshot, and only one that starts another writes its scratch folder") {
  Room room;
  CHECK(room.run({"write=SCRATCH/new", "write=/dev/null"}).output == "write: EACCES\nwrite: DONE\n");
  const auto ran = room.run({"read=TREE/app/a.yaml", "read=TREE/app/near", "write=SCRATCH/new",
                             "read=SCRATCH/new", "remove=SCRATCH/new", "write=/dev/null", "thread"},
                            GITOPSD_PROBE);
  CHECK(ran.failed == "");
  CHECK(ran.output ==
        "read: DONE\nread: DONE\nwrite: DONE\nread: DONE\nremove: DONE\nwrite: DONE\nthread: DONE\n");
}

TEST_CASE("a snapshot is never written through its own symbolic links") {
  Room room;
  fs::create_directory(room.base + "/elsewhere");
  // No mirror lets such a tree pass; if one did, it must not reach the disk.
  room.tree.file("evil/out/x", "x").put("evil/out", source::EntryKind::symlink, room.base + "/elsewhere");
  const render::RunFolder folder(room.sandbox);
  CHECK_THROWS_AS(folder.write(room.tree, {"evil"}), Failure);
  CHECK(fs::is_empty(room.base + "/elsewhere"));
}

TEST_CASE("a renderer reads nothing else: no file of the host, by no link, of no process") {
  Room room;
  const std::string parent = std::to_string(::getpid());
  const auto ran =
      room.run({"read=/etc/passwd", "read=TREE/app/passwd", "read=TREE/../../../../../../../etc/passwd",
                "read=/proc/" + parent + "/environ", "read=/proc/self/environ", "read=/", "read=/dev/zero"});
  CHECK(ran.output ==
        "read: EACCES\nread: EACCES\nread: EACCES\nread: EACCES\nread: EACCES\nread: EACCES\nread: EACCES\n");
}

TEST_CASE("a renderer changes nothing of its snapshot") {
  Room room;
  const auto ran = room.run({"write=TREE/app/a.yaml", "write=TREE/app/new", "chmod=TREE/app/a.yaml",
                             "remove=TREE/app/a.yaml", "truncate=TREE/app/a.yaml", "read=TREE/app/a.yaml"});
  CHECK(ran.output ==
        "write: EACCES\nwrite: EACCES\nchmod: EPERM\nremove: EACCES\ntruncate: EPERM\nread: DONE\n");
}

TEST_CASE("a renderer reaches no network") {
  const Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in here{};
  here.sin_family = AF_INET;
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&here), sizeof here) == 0);
  REQUIRE(::listen(listener.get(), 1) == 0);
  socklen_t size = sizeof here;
  REQUIRE(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&here), &size) == 0);
  Room room;
  const auto ran = room.run({"connect=" + std::to_string(ntohs(here.sin_port)), "unix-socket"});
  CHECK(ran.output == "connect: EPERM\nunix-socket: EPERM\n");
}

TEST_CASE("a renderer becomes no other program and touches no other process") {
  Room room;
  const std::string parent = std::to_string(::getpid());
  const auto ran = room.run({"execute=/bin/true", "copy-and-execute=SCRATCH", "fork", "kill=" + parent,
                             "ptrace=" + parent, "raise-limit", "send-signals=" + parent});
  CHECK(room.run({"copy-and-execute=SCRATCH"}, GITOPSD_PROBE).output == "copy-and-execute: EACCES\n");
  CHECK(ran.output ==
        "execute: EACCES\ncopy-and-execute: EACCES\nfork: EPERM\nkill: EPERM\nptrace: EPERM\nraise-limit: "
        "EPERM\n"
        "send-signals: EPERM\n");
}

TEST_CASE("a renderer that has Helm inflate charts starts that program and no other, in the same sandbox") {
  Room room;
  const std::string self = GITOPSD_PROBE;
  CHECK(room.run({"spawn=" + self}).output == "spawn: EPERM\n");
  const auto ran =
      room.run({"spawn=" + self + ",read=/etc/passwd,write=TREE/app/new,unix-socket,read=TREE/app/a.yaml",
                "spawn=/bin/true", "fork", "new-namespace", "leave-group", "execute=/bin/true"},
               self);
  CHECK(ran.output ==
        "read: EACCES\nwrite: EACCES\nunix-socket: EPERM\nread: DONE\nspawn: DONE\nspawn: EACCES\nfork: "
        "EPERM\nnew-namespace: EPERM\nleave-group: EPERM\nexecute: EACCES\n");
  // What it starts ends with it.
  room.sandbox.limits.timeout = 300ms;
  CHECK(room.run({"spawn=" + self + ",spin"}, self).failed ==
        "was still running after 300 ms (renderers.timeout)");
}

TEST_CASE("a renderer inherits neither environment nor descriptors") {
  ::setenv("GITOPSD_TEST_SECRET", "x", 1);
  const int leaked = ::dup(2);
  Room room;
  const auto ran = room.run({"environment=GITOPSD_TEST_SECRET", "environment=HOME",
                             "descriptor=" + std::to_string(leaked), "descriptor=2"});
  CHECK(ran.output == "environment: no\nenvironment: DONE\ndescriptor: EBADF\ndescriptor: DONE\n");
  ::close(leaked);
}

TEST_CASE("a renderer ends at its limits") {
  Room room;
  room.sandbox.limits.output_bytes = 1u << 20;
  CHECK(room.run({"flood"}).failed == "printed more than 1048576 bytes (renderers.output_bytes)");
  room.sandbox.limits.memory_bytes = 64u << 20;
  const auto much = std::to_string(512u << 20);
  CHECK(room.run({"memory=1048576", "memory=" + much}).output == "memory: DONE\nmemory: ENOMEM\n");
  room.sandbox.limits.timeout = 200ms;
  CHECK(room.run({"spin"}).failed == "was still running after 200 ms (renderers.timeout)");
}

TEST_CASE("what a renderer says stands in the failure, and nothing of it is left behind") {
  Room room;
  const auto ran = room.run({"complain"});
  CHECK(ran.failed == "ended with exit status 4");
  CHECK(ran.errors == "complaint\n");
  CHECK(fs::is_empty(room.sandbox.folder));
}

TEST_CASE("without its sandbox nothing is run") {
  Room room;
  const render::RunFolder folder(room.sandbox);
  CHECK_THROWS_WITH_AS(render::run_in_sandbox(room.sandbox, folder, {GITOPSD_PROBE "-missing"}),
                       doctest::Contains("the renderer's sandbox cannot be set up"), Failure);
  room.sandbox.program = room.base + "/none";
  CHECK_THROWS_WITH_AS(render::run_in_sandbox(room.sandbox, folder, {GITOPSD_PROBE}),
                       doctest::Contains("cannot run"), Failure);
}
