#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "base/problem.h"
#include "base/process.h"

namespace gitopsd {
namespace {

struct Pipe {
  Pipe() {
    int fds[2];
    REQUIRE(::pipe2(fds, O_CLOEXEC) == 0);
    read = Fd(fds[0]);
    write = Fd(fds[1]);
  }
  Fd read, write;
};

/// What a shell script writes, and how it ended.
std::string run(const std::string& script, Command command = {}) {
  Pipe out;
  command.arguments = {"/bin/sh", "-c", script};
  command.output = command.error = out.write.get();
  Child child(command);
  out.write = Fd();
  const std::string text = read_fd(out.read.get(), "output", 1 << 20);
  return text + "[" + describe_wait_status(child.wait()) + "]";
}

bool readable_within(int fd, std::chrono::milliseconds time) {
  pollfd p{fd, POLLIN, 0};
  return ::poll(&p, 1, static_cast<int>(time.count())) == 1;
}

bool gone_within(pid_t pid, std::chrono::milliseconds time) {
  const auto deadline = std::chrono::steady_clock::now() + time;
  while (::kill(pid, 0) == 0) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace

TEST_CASE("how a child ended is told before it is waited for, and nothing while it runs") {
  const auto now = std::chrono::steady_clock::now();
  for (const auto& [script, fate] : {std::pair{"exit 3", "exited with status 3"},
                                     std::pair{"kill -SEGV $$", "was ended by signal 11 (SIGSEGV)"}}) {
    Command command;
    command.arguments = {"/bin/sh", "-c", script};
    Child child(command);
    CHECK(child.fate(now + std::chrono::seconds(30)) == fate);
    CHECK(child.fate(now) == fate);
    child.wait();
    CHECK(child.fate(now).empty());
  }
  Command command;
  command.arguments = {"/bin/sleep", "60"};
  CHECK(Child(command).fate(now).empty());
}

TEST_CASE("a child runs its program, and tells how it ended") {
  CHECK(run("echo hello; exit 3") == "hello\n[exit status 3]");
  CHECK(run("kill -9 $$") == "[killed by signal 9 (SIGKILL)]");
  CHECK(run("cat; echo done") == "done\n[exit status 0]");  // its input is empty
}

TEST_CASE("a child inherits nothing but what it is given") {
  // Left open on purpose, without close-on-exec.
  const Fd leak(::open("/dev/zero", O_RDONLY));
  REQUIRE(::dup2(leak.get(), 57) == 57);
  const Fd second(57);
  ::setenv("GITOPSD_TEST_LEAK", "1", 1);
  CHECK(run("env | grep -c GITOPSD; echo /proc/self/fd/*") ==
        "0\n/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 /proc/self/fd/3\n[exit status 0]");
  ::unsetenv("GITOPSD_TEST_LEAK");
  Command command;
  command.environment = {"ONLY=this", "PATH=/usr/bin:/bin"};
  CHECK(run("env | grep -v -e PWD -e ^_= -e SHLVL | sort", command) ==
        "ONLY=this\nPATH=/usr/bin:/bin\n[exit status 0]");
}

TEST_CASE("a child starts in its folder, with default signals and an empty mask") {
  Command command;
  CHECK(run("pwd", command) == "/\n[exit status 0]");
  command.directory = "/usr";
  CHECK(run("pwd", command) == "/usr\n[exit status 0]");
  sigset_t block, before;
  sigemptyset(&block);
  sigaddset(&block, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &block, &before);
  ::signal(SIGPIPE, SIG_IGN);
  CHECK(run("exec grep -E 'Sig(Blk|Ign)' /proc/self/status") ==
        "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n[exit status 0]");
  ::signal(SIGPIPE, SIG_DFL);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST_CASE("a child's descriptors may be any, also those of its own standard streams") {
  Pipe in, out;
  REQUIRE(::write(in.write.get(), "x\n", 2) == 2);
  in.write = Fd();
  const Fd one(::fcntl(1, F_DUPFD_CLOEXEC, 10));
  Command command;
  command.arguments = {"/bin/cat"};
  command.input = in.read.get();
  command.output = out.write.get();
  command.error = 1;  // one that another takes the place of
  Child child(command);
  out.write = Fd();
  CHECK(read_fd(out.read.get(), "output", 100) == "x\n");
  CHECK(child.wait() == 0);
  CHECK(child.wait() == 0);
  CHECK_FALSE(child.running());
}

TEST_CASE("a program that cannot run is named") {
  Command command;
  command.arguments = {"/nowhere/program"};
  CHECK_THROWS_WITH_AS(Child{command}, "cannot run /nowhere/program: No such file or directory (ENOENT)",
                       Failure);
  command.arguments = {"/bin/true"};
  command.directory = "/nowhere";
  CHECK_THROWS_WITH_AS(Child{command}, "cannot run /bin/true in /nowhere: No such file or directory (ENOENT)",
                       Failure);
  command.arguments = {"true"};
  CHECK_THROWS_AS(Child{command}, Failure);
  command.arguments = {};
  CHECK_THROWS_AS(Child{command}, Failure);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);  // and nothing is left to reap
  CHECK(errno == ECHILD);
}

TEST_CASE("a pidfd tells of the end") {
  Command command;
  command.arguments = {"/bin/sleep", "1000"};
  Child child(command);
  CHECK_FALSE(readable_within(child.pidfd(), std::chrono::milliseconds(0)));
  child.signal(SIGTERM);
  CHECK(readable_within(child.pidfd(), std::chrono::seconds(10)));
  CHECK(describe_wait_status(child.wait()) == "killed by signal 15 (SIGTERM)");
}

TEST_CASE("a child goes with its owner, and takes along what it started") {
  Pipe out;
  Command command;
  command.arguments = {"/bin/sh", "-c", "sleep 1000 & echo $!; wait"};
  command.output = out.write.get();
  pid_t shell = 0, grandchild = 0;
  {
    Child child(command);
    out.write = Fd();
    Child moved(std::move(child));
    shell = moved.pid();
    char text[32] = {};
    REQUIRE(::read(out.read.get(), text, sizeof text - 1) > 0);
    grandchild = std::stoi(text);
    CHECK(::getpgid(grandchild) == shell);
  }
  CHECK(gone_within(shell, std::chrono::seconds(10)));
  // Nobody but the system's init reaps it: only its end is sure.
  CHECK(readable_within(out.read.get(), std::chrono::seconds(10)));
  char byte = 0;
  CHECK(::read(out.read.get(), &byte, 1) == 0);
}

TEST_CASE("a child outlives the thread that started it") {
  Command command;
  command.arguments = {"/bin/sleep", "1000"};
  Child child;
  std::thread([&] { child = Child(command); }).join();
  CHECK_FALSE(readable_within(child.pidfd(), std::chrono::milliseconds(200)));
}

}  // namespace gitopsd
