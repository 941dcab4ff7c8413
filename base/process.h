// Child processes with nothing inherited: no descriptors but those named, no environment but the one given.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"

namespace gitopsd {

struct Command {
  std::vector<std::string> arguments;    ///< [0] is the program: an absolute path, never searched in PATH
  std::vector<std::string> environment;  ///< "KEY=value"; nothing else is passed on
  std::string directory;                 ///< working directory, empty for "/"
  /// Descriptors for 0, 1, 2; -1 means /dev/null. They stay owned by the caller.
  int input = -1;
  int output = -1;
  int error = -1;
};

/// A running child. The destructor kills one that still runs, with all of its process group, and reaps it.
class Child {
 public:
  Child() = default;
  /// Starts it, in a process group of its own, dying with this process (whichever thread calls). Throws
  /// Failure naming the program.
  explicit Child(const Command& command);
  Child(Child&&) noexcept;
  Child& operator=(Child&&) noexcept;
  ~Child();

  pid_t pid() const { return pid_; }
  bool running() const { return pid_ > 0; }
  /// Readable when the child ended (pidfd_open(2)).
  int pidfd() const { return pidfd_.get(); }
  void signal(int number) const;
  /// "was ended by signal 11 (SIGSEGV)" or "exited with status 3"; empty where it runs still at the deadline.
  /// It is waited for as before.
  std::string fate(Deadline) const;
  /// Waits for the end; returns the wait status (waitpid(2)).
  int wait();

 private:
  void end();

  pid_t pid_ = -1;
  Fd pidfd_;
};

/// "exit status 3" or "killed by signal 9 (SIGKILL)".
std::string describe_wait_status(int status);

}  // namespace gitopsd
