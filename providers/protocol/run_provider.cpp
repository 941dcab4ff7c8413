#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <thread>

#include "base/log.h"
#include "providers/protocol/service.h"

namespace gitopsd::protocol {
namespace {

/// Readable when SIGTERM or SIGINT came. Every thread that starts later inherits the mask.
Fd stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return Fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

/// The protocol's descriptors are moved away, so that a library's stray print cannot break the stream.
int serve_stdio(Service& service, int stop) {
  Fd in(::fcntl(0, F_DUPFD_CLOEXEC, 3)), out(::fcntl(1, F_DUPFD_CLOEXEC, 3));
  if (!in || !out) {
    log::error("standard input or output is closed",
               {{"hint", "the daemon starts this program with two pipes"}});
    return 1;
  }
  Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  ::dup2(null.get(), 0);
  ::dup2(2, 1);
  return serve(service, std::move(in), std::move(out), stop);
}

bool peer_is(int socket, uid_t allowed) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  if (peer.uid == allowed) return true;
  log::warning("connection refused: not the daemon's user", {{"uid", static_cast<long>(peer.uid)}});
  return false;
}

/// One connection being served on a thread of its own.
class Served {
 public:
  Served(std::unique_ptr<Service> service, Fd socket)
      : stop_(::eventfd(0, EFD_CLOEXEC)),
        service_(std::move(service)),
        thread_([this, s = std::move(socket)]() mutable {
          Fd out(::fcntl(s.get(), F_DUPFD_CLOEXEC, 3));
          serve(*service_, std::move(s), std::move(out), stop_.get());
        }) {}
  ~Served() {
    std::uint64_t one = 1;
    [[maybe_unused]] auto n = ::write(stop_.get(), &one, sizeof one);
    thread_.join();
  }
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;

 private:
  Fd stop_;
  std::unique_ptr<Service> service_;
  std::thread thread_;
};

int serve_socket(const ServiceFactory& factory, int listening, uid_t allowed, int stop) {
  std::unique_ptr<Served> current;
  for (;;) {
    pollfd fds[2] = {{listening, POLLIN, 0}, {stop, POLLIN, 0}};
    ::poll(fds, 2, -1);
    if (fds[1].revents) return 0;
    if (!fds[0].revents) continue;
    Fd socket(::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket || !peer_is(socket.get(), allowed)) continue;
    // The newest wins: a stream that hangs (a dead ssh) must not lock the daemon out.
    current.reset();
    current = std::make_unique<Served>(factory(), std::move(socket));
  }
}

}  // namespace

int run_provider(const ServiceFactory& factory, const RunOptions& options) {
  // One heap for all threads: they take turns anyway, and a provider stays small.
  ::mallopt(M_ARENA_MAX, 1);
  Fd stop = stop_signals();
  const int handed = ::sd_listen_fds(1);
  if (handed <= 0) {
    auto service = factory();
    return serve_stdio(*service, stop.get());
  }
  if (handed != 1 || ::sd_is_socket(SD_LISTEN_FDS_START, AF_UNIX, SOCK_STREAM, 1) <= 0) {
    log::error("systemd must hand over exactly one listening Unix stream socket");
    return 1;
  }
  if (!options.allowed_peer) {
    log::error("no user may connect", {{"hint", "name the daemon's user on the command line"}});
    return 1;
  }
  ::fcntl(SD_LISTEN_FDS_START, F_SETFL, O_NONBLOCK);
  return serve_socket(factory, SD_LISTEN_FDS_START, *options.allowed_peer, stop.get());
}

}  // namespace gitopsd::protocol
