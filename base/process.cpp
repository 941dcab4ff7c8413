#include "base/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/problem.h"

namespace gitopsd {
namespace {

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (const auto& s : strings) out.push_back(const_cast<char*>(s.c_str()));
  out.push_back(nullptr);
  return out;
}

// Between fork and exec only async-signal-safe calls: other threads may hold any lock.
[[noreturn]] void become(const Command& command, char* const* argv, char* const* envp, pid_t parent,
                         int report) {
  const auto give_up = [&] {
    const int error = errno;
    [[maybe_unused]] const ssize_t n = ::write(report, &error, sizeof error);
    ::_exit(127);
  };
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int s = 1; s < NSIG; ++s) ::signal(s, SIG_DFL);
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // it died before the line above
  // First out of the way of 0..2, then into place, so that one does not overwrite another.
  int fds[3] = {command.input, command.output, command.error};
  for (int& fd : fds) {
    fd = fd < 0 ? ::open("/dev/null", O_RDWR | O_CLOEXEC) : fd;
    fd = ::fcntl(fd, F_DUPFD_CLOEXEC, 10);
    if (fd < 0) give_up();
  }
  const int keep = ::fcntl(report, F_DUPFD_CLOEXEC, 10);
  if (keep < 0) give_up();
  report = keep;
  for (int i = 0; i < 3; ++i) {
    if (::dup2(fds[i], i) < 0) give_up();
  }
  ::syscall(SYS_close_range, 3, ~0U, 1U << 2 /* CLOSE_RANGE_CLOEXEC */);
  if (::chdir(command.directory.empty() ? "/" : command.directory.c_str()) != 0) give_up();
  ::execve(argv[0], argv, envp);
  give_up();
  ::_exit(127);
}

}  // namespace

Child::Child(const Command& command) {
  auto argv = pointers(command.arguments);
  auto envp = pointers(command.environment);
  int report[2];
  if (::pipe2(report, O_CLOEXEC) != 0)
    throw fail(ProblemCause::transient, "no pipe for a child: " + errno_text(errno));
  Fd read_end(report[0]), write_end(report[1]);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0)
    throw fail(ProblemCause::transient, "cannot start " + command.arguments[0] + ": " + errno_text(errno));
  if (pid == 0) become(command, argv.data(), envp.data(), parent, write_end.get());
  write_end = Fd();
  pid_ = pid;
  pidfd_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  int error = 0;
  ssize_t n = 0;
  do {
    n = ::read(read_end.get(), &error, sizeof error);
  } while (n < 0 && errno == EINTR);
  if (n == sizeof error) {
    wait();
    throw fail(ProblemCause::input, "cannot run " + command.arguments[0] + ": " + errno_text(error));
  }
}

Child::Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)), pidfd_(std::move(other.pidfd_)) {}

Child& Child::operator=(Child&& other) noexcept {
  if (this != &other) {
    if (pid_ > 0) {
      signal(SIGKILL);
      wait();
    }
    pid_ = std::exchange(other.pid_, -1);
    pidfd_ = std::move(other.pidfd_);
  }
  return *this;
}

Child::~Child() {
  if (pid_ <= 0) return;
  signal(SIGKILL);
  wait();
}

void Child::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

int Child::wait() {
  if (pid_ <= 0) return 0;
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  pidfd_ = Fd();
  return status;
}

std::string describe_wait_status(int status) {
  if (WIFEXITED(status)) return "exit status " + std::to_string(WEXITSTATUS(status));
  if (!WIFSIGNALED(status)) return "wait status " + std::to_string(status);
  const int number = WTERMSIG(status);
  const char* name = sigabbrev_np(number);
  return "killed by signal " + std::to_string(number) + (name ? " (SIG" + std::string(name) + ")" : "");
}

}  // namespace gitopsd
