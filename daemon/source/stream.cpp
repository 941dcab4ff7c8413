#include "daemon/source/stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "daemon/source/lookup.h"

namespace gitopsd::source {

namespace {

/// The kernel's quick mode ends by itself; without it a server that sends in two pieces waits 40 ms for our
/// ACK.
void acknowledge_at_once(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

/// A connected socket, or the errno that says why not.
Fd connect_one(const Operation& operation, const Endpoint& endpoint, Deadline deadline, int& error) {
  Fd fd(socket(endpoint.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  error = errno;
  if (!fd) return {};
  const int on = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&endpoint.address), endpoint.size) == 0) return fd;
  error = errno;
  if (error != EINPROGRESS) return {};
  operation.wait_until(fd.get(), POLLOUT, deadline, "connecting");
  socklen_t size = sizeof error;
  if (getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  return error == 0 ? std::move(fd) : Fd();
}

}  // namespace

std::size_t TcpStream::read(const Operation& operation, char* buffer, std::size_t size) {
  for (;;) {
    const ssize_t got = recv(fd(), buffer, size, 0);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno == ECONNRESET) return 0;
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK)
      throw operation.failure(ProblemCause::transient, "the connection broke: " + errno_text(errno));
    acknowledge_at_once(fd());
    operation.wait(fd(), POLLIN, "waiting for its bytes");
  }
}

void TcpStream::write(const Operation& operation, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(put));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      operation.wait(fd(), POLLOUT, "sending the request");
    } else if (errno != EINTR) {
      throw operation.failure(ProblemCause::transient, "the connection broke: " + errno_text(errno));
    }
  }
}

bool TcpStream::quiet() const {
  pollfd p{fd(), POLLIN | POLLRDHUP, 0};
  return poll(&p, 1, 0) == 0;
}

std::unique_ptr<TcpStream> connect_tcp(const Operation& operation, const std::string& host,
                                       const std::string& port) {
  const Deadline deadline = operation.connect_deadline();
  const std::vector<Endpoint> endpoints = look_up(operation, host, port, deadline);
  int error = ETIMEDOUT;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    // An equal share each, so that a dead first address leaves time for the second.
    const auto share = (deadline - Monotonic::now()) / static_cast<long>(endpoints.size() - i);
    const bool last = i + 1 == endpoints.size();
    try {
      if (Fd fd = connect_one(operation, endpoints[i], last ? deadline : Monotonic::now() + share, error))
        return std::make_unique<TcpStream>(std::move(fd));
    } catch (const Failure&) {
      operation.check("connecting");
      if (last) throw;
    }
  }
  throw operation.failure(ProblemCause::transient, "cannot connect: " + errno_text(error),
                          "is the host up, the port right, and no firewall between?");
}

}  // namespace gitopsd::source
