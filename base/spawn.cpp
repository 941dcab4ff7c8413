#include "base/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <thread>

#include "base/problem.h"

namespace gitopsd {
namespace {

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (const auto& s : strings) out.push_back(const_cast<char*>(s.c_str()));
  out.push_back(nullptr);
  return out;
}

/// What the child needs, made before the fork: between fork and exec only async-signal-safe calls are
/// allowed, since another thread may hold any lock.
struct Prepared {
  std::vector<char*> arguments, environment;
  const char* directory;
  int fds[3];
  int report;
  pid_t parent;
};

[[noreturn]] void give_up(int report) {
  const int error = errno;
  [[maybe_unused]] const ssize_t n = ::write(report, &error, sizeof error);
  ::_exit(127);
}

[[noreturn]] void become(Prepared& p) {
  constexpr int kAboveStandard = 10;
  // Handlers first, then the mask: a signal must not run this process's handler in the child.
  for (int s = 1; s < NSIG; ++s) ::signal(s, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (::setpgid(0, 0) != 0 || ::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) give_up(p.report);
  if (::getppid() != p.parent) ::_exit(127);  // it died before the line above
  // First out of the way of 0 to 2, then into place, so that one does not overwrite another.
  const int report = ::fcntl(p.report, F_DUPFD_CLOEXEC, kAboveStandard);
  if (report < 0) give_up(p.report);
  for (int& fd : p.fds) {
    const int from = fd < 0 ? ::open("/dev/null", O_RDWR | O_CLOEXEC) : fd;
    fd = from < 0 ? -1 : ::fcntl(from, F_DUPFD_CLOEXEC, kAboveStandard);
    if (fd < 0) give_up(report);
  }
  for (int i = 0; i < 3; ++i) {
    if (::dup2(p.fds[i], i) < 0) give_up(report);
  }
  constexpr unsigned kCloseOnExec = 1u << 2;  // CLOSE_RANGE_CLOEXEC
  if (::syscall(SYS_close_range, 3u, ~0u, kCloseOnExec) != 0) give_up(report);
  if (::chdir(p.directory) != 0) give_up(report);
  ::execve(p.arguments[0], p.arguments.data(), p.environment.data());
  give_up(report);
}

/// PR_SET_PDEATHSIG follows the thread that forks, not its process: so one thread that never ends forks for
/// all. Its signals are blocked, and a child starts with them blocked.
class Forker {
 public:
  static Forker& instance() {
    static Forker* forker = new Forker;  // for ever: its thread runs until the process ends
    return *forker;
  }

  pid_t fork(Prepared& prepared) {
    std::promise<pid_t> answer;
    auto result = answer.get_future();
    {
      const std::lock_guard lock(mutex_);
      orders_.emplace_back([&] {
        const pid_t pid = ::fork();
        if (pid == 0) become(prepared);
        answer.set_value(pid < 0 ? -errno : pid);
      });
    }
    ordered_.notify_one();
    return result.get();
  }

 private:
  Forker() {
    std::thread([this] { run(); }).detach();
  }

  void run() {
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
    while (true) {
      std::function<void()> order;
      {
        std::unique_lock lock(mutex_);
        ordered_.wait(lock, [this] { return !orders_.empty(); });
        order = std::move(orders_.front());
        orders_.pop_front();
      }
      order();
    }
  }

  std::mutex mutex_;
  std::condition_variable ordered_;
  std::deque<std::function<void()>> orders_;
};

}  // namespace

pid_t spawn(const Command& command) {
  if (command.arguments.empty() || !command.arguments[0].starts_with('/'))
    throw fail(ProblemCause::internal, "a child's program needs an absolute path");
  const std::string& program = command.arguments[0];
  int report[2];
  if (::pipe2(report, O_CLOEXEC) != 0)
    throw fail(ProblemCause::transient, "no pipe to start " + program + ": " + errno_text(errno));
  const Fd read_end(report[0]);
  Fd write_end(report[1]);
  Prepared prepared{pointers(command.arguments),
                    pointers(command.environment),
                    command.directory.empty() ? "/" : command.directory.c_str(),
                    {command.input, command.output, command.error},
                    write_end.get(),
                    ::getpid()};
  const pid_t pid = Forker::instance().fork(prepared);
  if (pid < 0) throw fail(ProblemCause::transient, "cannot start " + program + ": " + errno_text(-pid));
  write_end = Fd();
  // The pipe closes with the exec; an error number comes through it when that fails.
  int error = 0;
  ssize_t n = 0;
  do n = ::read(read_end.get(), &error, sizeof error);
  while (n < 0 && errno == EINTR);
  if (n == 0) return pid;
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  const std::string where = command.directory.empty() ? "" : " in " + command.directory;
  throw fail(ProblemCause::input, "cannot run " + program + where + ": " + errno_text(error));
}

}  // namespace gitopsd
