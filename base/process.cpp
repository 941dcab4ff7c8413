#include "base/process.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/problem.h"
#include "base/spawn.h"

namespace gitopsd {
namespace {

/// "signal 9 (SIGKILL)"
std::string signal_text(int number) {
  const char* name = sigabbrev_np(number);
  return "signal " + std::to_string(number) + (name ? " (SIG" + std::string(name) + ")" : "");
}

bool readable(int fd, Deadline until) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Monotonic::now()).count();
    pollfd wanted{fd, POLLIN, 0};
    const int found = ::poll(&wanted, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000)));
    if (found > 0) return true;
    if (found == 0 ? Monotonic::now() >= until : errno != EINTR) return false;
  }
}

}  // namespace

Child::Child(const Command& command) : pid_(spawn(command)) {
  pidfd_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (pidfd_) return;
  const int error = errno;
  end();
  throw fail(ProblemCause::transient,
             "cannot watch the child " + command.arguments[0] + ": " + errno_text(error));
}

Child::Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)), pidfd_(std::move(other.pidfd_)) {}

Child& Child::operator=(Child&& other) noexcept {
  if (this != &other) {
    end();
    pid_ = std::exchange(other.pid_, -1);
    pidfd_ = std::move(other.pidfd_);
  }
  return *this;
}

Child::~Child() {
  end();
}

void Child::end() {
  if (pid_ <= 0) return;
  ::kill(-pid_, SIGKILL);  // its group: what it started goes with it
  wait();
}

void Child::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

std::string Child::fate(Deadline until) const {
  siginfo_t end{};
  if (pid_ <= 0 || !readable(pidfd_.get(), until)) return {};
  if (::waitid(P_PID, static_cast<id_t>(pid_), &end, WEXITED | WNOWAIT | WNOHANG) != 0 || end.si_pid == 0)
    return {};
  if (end.si_code == CLD_EXITED) return "exited with status " + std::to_string(end.si_status);
  return "was ended by " + signal_text(end.si_status);
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
  return "killed by " + signal_text(WTERMSIG(status));
}

}  // namespace gitopsd
