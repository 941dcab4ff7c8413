#include "daemon/source/child_stream.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace gitopsd::source {

namespace {

constexpr std::size_t kErrorBytes = 64u << 10;

/// A file in memory that takes a bounded number of bytes: unlike a pipe it needs nobody to read it meanwhile.
Fd bounded_memory() {
  Fd fd(memfd_create("standard error", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (fd && (ftruncate(fd.get(), kErrorBytes) != 0 || fcntl(fd.get(), F_ADD_SEALS, F_SEAL_GROW) != 0))
    return {};
  return fd;
}

}  // namespace

ChildStream::ChildStream(const Operation& operation, Command command) : error_(bounded_memory()) {
  // A socket pair and not pipes: send(2) can be told not to raise SIGPIPE, write(2) cannot.
  int in[2] = {-1, -1}, out[2] = {-1, -1};
  const bool made = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) == 0 && pipe2(out, O_CLOEXEC) == 0;
  const int error = errno;
  const Fd child_input(in[1]), child_output(out[1]);
  input_ = Fd(in[0]);
  output_ = Fd(out[0]);
  if (!made || !error_)
    throw operation.failure(ProblemCause::transient, "no pipe for a child process: " + errno_text(error));
  fcntl(output_.get(), F_SETFL, O_NONBLOCK);
  command.input = child_input.get();
  command.output = child_output.get();
  command.error = error_.get();
  child_ = Child(command);
}

std::size_t ChildStream::read(const Operation& operation, char* buffer, std::size_t size) {
  for (;;) {
    const ssize_t got = ::read(output_.get(), buffer, size);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EAGAIN && errno != EINTR)
      throw operation.failure(ProblemCause::internal,
                              "cannot read from a child process: " + errno_text(errno));
    operation.wait(output_.get(), POLLIN, "waiting for its bytes");
  }
}

void ChildStream::write(const Operation& operation, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = send(input_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (put >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(put));
    } else if (errno == EAGAIN) {
      operation.wait(input_.get(), POLLOUT, "sending the request");
    } else if (errno == EPIPE || errno == ECONNRESET) {
      return;  // it ended: reading tells that too, and its last words say why
    } else if (errno != EINTR) {
      throw operation.failure(ProblemCause::internal,
                              "cannot write to a child process: " + errno_text(errno));
    }
  }
}

std::string ChildStream::last_words(const Operation& operation) {
  input_ = Fd();
  if (child_.running()) {
    try {
      operation.wait_until(child_.pidfd(), POLLIN, Monotonic::now() + std::chrono::seconds(1),
                           "ending a child");
    } catch (const Failure&) {
      child_.signal(SIGKILL);
    }
    child_.wait();
  }
  std::string text(kErrorBytes, '\0');
  const ssize_t got = pread(error_.get(), text.data(), text.size(), 0);
  text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  if (const auto zero = text.find('\0'); zero != std::string::npos) text.resize(zero);
  return text;
}

}  // namespace gitopsd::source
