#include "ctl/unix_stream.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "ctl/client.h"

namespace gitopsd::ctl {
namespace {

boost::system::error_code from_errno() {
  return {errno, boost::system::system_category()};
}

std::string advice(int error) {
  switch (error) {
    case ENOENT:
      return "; is gitopsd running? (systemctl status gitopsd; --socket names another socket)";
    case ECONNREFUSED:
      return "; gitopsd is not running (systemctl start gitopsd)";
    case EACCES:
      return "; use sudo, or ask to be in the group gitopsd and in api.users";
    default:
      return "";
  }
}

int milliseconds_until(Deadline deadline) {
  if (deadline == Deadline::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Monotonic::now()).count();
  return static_cast<int>(std::clamp<long long>(left, 0, std::numeric_limits<int>::max()));
}

}  // namespace

UnixStream::UnixStream(const std::string& path, Deadline deadline)
    : path_(path), deadline_(deadline), fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    throw Unreachable("the path of the socket " + path + " is too long");
  path.copy(address.sun_path, path.size());
  if (fd_ && ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return;
  const int error = errno;
  throw Unreachable("cannot reach gitopsd at " + path + ": " + errno_text(error) + advice(error));
}

bool UnixStream::wait(short events, boost::system::error_code& error) {
  pollfd ready{fd_.get(), events, 0};
  for (;;) {
    const int count = ::poll(&ready, 1, milliseconds_until(deadline_));
    if (count > 0) return true;
    if (count < 0 && errno == EINTR) continue;
    error = count == 0 ? boost::system::error_code(boost::asio::error::timed_out) : from_errno();
    return false;
  }
}

std::size_t UnixStream::read(void* data, std::size_t size, boost::system::error_code& error) {
  error = {};
  if (!wait(POLLIN, error)) return 0;
  const auto count = ::recv(fd_.get(), data, size, 0);
  if (count < 0) error = from_errno();
  if (count == 0) error = boost::asio::error::eof;
  return count < 0 ? 0 : static_cast<std::size_t>(count);
}

std::size_t UnixStream::write(const void* data, std::size_t size, boost::system::error_code& error) {
  error = {};
  if (!wait(POLLOUT, error)) return 0;
  const auto count = ::send(fd_.get(), data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (count < 0) error = from_errno();
  return count < 0 ? 0 : static_cast<std::size_t>(count);
}

}  // namespace gitopsd::ctl
