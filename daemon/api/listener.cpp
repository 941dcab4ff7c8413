#include "daemon/api/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>

#include "base/problem.h"

namespace gitopsd::api {
namespace {

constexpr int kBacklog = 64;

Failure socket_failure(const std::string& path, const std::string& what, int error, std::string hint = {}) {
  return fail(ProblemCause::input, "the operator's socket " + path + ": " + what + ": " + errno_text(error),
              std::move(hint));
}

sockaddr_un unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (!path.starts_with('/') || path.size() >= sizeof address.sun_path) {
    throw fail(ProblemCause::input, "api.socket is '" + path + "'",
               "it must be an absolute path of at most 107 bytes");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

void prepare_folder(const std::string& path) {
  const std::string folder = path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
  if (mkdir(folder.c_str(), 0750) == 0) return;
  if (errno != EEXIST) throw socket_failure(path, "cannot make its folder", errno);
  struct stat status {};
  if (stat(folder.c_str(), &status) != 0) throw socket_failure(path, "cannot look at its folder", errno);
  // Whoever may rename entries there could put a socket of their own in our place.
  if ((status.st_mode & S_IWOTH) != 0 && (status.st_mode & S_ISVTX) == 0) {
    throw fail(ProblemCause::permission,
               "the operator's socket " + path + ": everybody may write to its folder",
               "chmod 0750 " + folder);
  }
}

/// Removes a socket that nobody listens on.
void clear_stale(const std::string& path, const sockaddr_un& address) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return;
  if (!S_ISSOCK(status.st_mode)) {
    throw fail(ProblemCause::input, "the operator's socket " + path + ": something else has that name",
               "move it away, or set api.socket");
  }
  const Fd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
      errno == EAGAIN) {
    throw fail(ProblemCause::conflict, "the operator's socket " + path + ": another daemon answers on it",
               "stop that one first, or set api.socket");
  }
  if (errno != ECONNREFUSED) throw socket_failure(path, "cannot tell whether anybody uses it", errno);
  if (unlink(path.c_str()) != 0) throw socket_failure(path, "cannot remove the old one", errno);
}

struct TcpAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

std::optional<TcpAddress> parse_tcp(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, port);
  if (error != std::errc() || stop != end) return std::nullopt;
  std::string host = text.substr(0, colon);
  TcpAddress out;
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) != 1) return std::nullopt;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    out.size = sizeof *v6;
    return out;
  }
  if (inet_pton(AF_INET, host.c_str(), &v4->sin_addr) != 1) return std::nullopt;
  v4->sin_family = AF_INET;
  v4->sin_port = htons(port);
  out.size = sizeof *v4;
  return out;
}

}  // namespace

UnixListener::UnixListener(std::string path) : path_(std::move(path)) {
  const sockaddr_un address = unix_address(path_);
  prepare_folder(path_);
  clear_stale(path_, address);
  socket_ = Fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket_) throw socket_failure(path_, "cannot make it", errno);
  // Linux gives the file the socket's own mode at bind(2), so that there is no moment at which it is wider.
  if (fchmod(socket_.get(), 0660) != 0) throw socket_failure(path_, "cannot set its mode", errno);
  if (bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw socket_failure(path_, "cannot bind", errno);
  }
  struct stat status {};
  if (chmod(path_.c_str(), 0660) != 0 || lstat(path_.c_str(), &status) != 0) {  // the umask took bits away
    throw socket_failure(path_, "cannot set its mode", errno);
  }
  device_ = status.st_dev;
  inode_ = status.st_ino;
  if (listen(socket_.get(), kBacklog) != 0) throw socket_failure(path_, "cannot listen", errno);
}

UnixListener::~UnixListener() {
  struct stat status {};
  if (lstat(path_.c_str(), &status) != 0) return;
  if (status.st_dev == device_ && status.st_ino == inode_) unlink(path_.c_str());
}

Fd listen_tcp(const std::string& text) {
  const auto address = parse_tcp(text);
  if (!address) {
    throw fail(ProblemCause::input, "metrics.listen is '" + text + "'",
               "it must be ADDRESS:PORT, such as 127.0.0.1:9180 or [::1]:9180");
  }
  const auto broken = [&](const char* what) {
    return fail(ProblemCause::input, "metrics.listen " + text + ": " + what + ": " + errno_text(errno),
                errno == EADDRINUSE ? "another program listens there: choose another port" : "");
  };
  Fd out(socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!out) throw broken("cannot make a socket");
  const int on = 1;
  setsockopt(out.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(out.get(), reinterpret_cast<const sockaddr*>(&address->storage), address->size) != 0) {
    throw broken("cannot bind");
  }
  if (listen(out.get(), kBacklog) != 0) throw broken("cannot listen");
  return out;
}

int local_port(int socket) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return 0;
  if (storage.ss_family == AF_INET) return ntohs(reinterpret_cast<sockaddr_in*>(&storage)->sin_port);
  return ntohs(reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port);
}

}  // namespace gitopsd::api
