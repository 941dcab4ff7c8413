#include "daemon/server/listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <charconv>
#include <cstring>
#include <tuple>

#include "base/log.h"
#include "base/problem.h"
#include "daemon/server/session.h"

namespace gitopsd::server {
namespace {

using namespace std::chrono_literals;

constexpr int kBacklog = 1024;
constexpr int kAcceptsPerRound = 64;
/// Handshakes under way at once; beyond it the oldest one gives way, since an honest one takes milliseconds.
constexpr int kMostHandshakes = 512;

struct Endpoint {
  sockaddr_storage name{};
  socklen_t size = 0;
};

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  const auto address = Address::parse(text.substr(0, colon));
  const auto digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (!address || error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  Endpoint endpoint;
  if (address->is_v4()) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(endpoint.name);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, address->bytes().data() + 12, 4);
    endpoint.size = sizeof v4;
  } else {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(endpoint.name);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&v6.sin6_addr, address->bytes().data(), 16);
    endpoint.size = sizeof v6;
  }
  return endpoint;
}

Failure cannot_listen(const std::string& address, int error) {
  std::string hint;
  if (error == EADDRINUSE) hint = "another process listens there";
  if (error == EACCES) hint = "ports below 1024 need socket activation or CAP_NET_BIND_SERVICE";
  if (error == EADDRNOTAVAIL) hint = "no interface of this machine has that address";
  return fail(ProblemCause::input, "cannot listen on " + address + ": " + errno_text(error), hint);
}

void make_room(Door& door) {
  if (door.handshaking < kMostHandshakes / static_cast<int>(door.building.doors.size())) return;
  for (Session& session : door.sessions)
    if (session.in_handshake()) {
      session.cut_off();
      return;
    }
}

/// A connection that has left, or never got as far as a session.
void left(Door& door, const Address& peer, bool counted) {
  if (counted) door.clients.leave(peer);
  --door.building.admitted;
}

void start_session(Door& door, Fd fd, const Address& peer, bool counted) try {
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  make_room(door);
  Socket socket(door.io, peer.is_v4() ? tcp::v4() : tcp::v6(), fd.get());
  std::ignore = fd.release();
  const auto session = door.sessions.emplace(door.sessions.end(), door, std::move(socket), peer);
  asio::co_spawn(door.io, session->run(), [&door, session, peer, counted](const std::exception_ptr& error) {
    if (error) try {
        std::rethrow_exception(error);
      } catch (const std::exception& failure) {
        log::error("a connection ended by an error of ours",
                   {{"address", peer.str()}, {"error", failure.what()}});
      }
    door.sessions.erase(session);
    left(door, peer, counted);
    if (door.sessions.empty() && door.emptied) door.emptied();
  });
} catch (const std::exception& failure) {
  left(door, peer, counted);
  log::error("no session for a connection", {{"address", peer.str()}, {"error", failure.what()}});
}

void admit(Door& door, int fd, const sockaddr_storage& name) {
  Fd owned(fd);
  const Address peer = Address::of(name);
  const Routes& routes = *door.routes;
  Building& building = door.building;
  if (building.admitted >= routes.limits().connections) {
    ++door.tally.rejected_limits;
    return;
  }
  // All that a proxy forwards comes from one address.
  const bool counted = !any_contains(routes.trusted_proxies(), peer);
  if (counted && !door.clients.enter(peer)) {
    ++door.tally.rejected_limits;
    return;
  }
  const auto turn = static_cast<std::size_t>(++door.turn) % building.doors.size();
  Door& taker = *building.doors[turn];
  ++building.admitted;
  asio::post(taker.io, [&taker, owned = std::move(owned), peer, counted]() mutable {
    start_session(taker, std::move(owned), peer, counted);
  });
}

}  // namespace

Fd listen_on(const std::string& address) {
  const auto endpoint = parse_endpoint(address);
  if (!endpoint)
    throw fail(ProblemCause::input, "cannot listen on \"" + address + "\": not ADDRESS:PORT",
               "such as 127.0.0.1:8443 or [::]:443; names are not looked up");
  Fd fd(::socket(endpoint->name.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) throw cannot_listen(address, errno);
  const int on = 1, off = 0;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (endpoint->name.ss_family == AF_INET6)
    ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&endpoint->name), endpoint->size) != 0 ||
      ::listen(fd.get(), kBacklog) != 0)
    throw cannot_listen(address, errno);
  return fd;
}

int port_of(int listener) {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  if (::getsockname(listener, reinterpret_cast<sockaddr*>(&name), &size) != 0)
    throw fail(ProblemCause::internal, "the listening socket has no name: " + errno_text(errno));
  if (name.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(name).sin_port);
  if (name.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(name).sin6_port);
  throw fail(ProblemCause::input, "the inherited socket is no TCP socket",
             "ListenStream= with a port in gitopsd.socket");
}

int accept_round(Door& door, int listener) {
  for (int i = 0; i < kAcceptsPerRound; ++i) {
    sockaddr_storage name{};
    socklen_t size = sizeof name;
    const int fd =
        ::accept4(listener, reinterpret_cast<sockaddr*>(&name), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
      admit(door, fd, name);
    else if (errno != EINTR && errno != ECONNABORTED)
      return errno;
  }
  return 0;
}

Task<void> accept_sessions(Door& door, Acceptor& acceptor) {
  Timer pause(door.io);
  boost::system::error_code error;
  for (;;) {
    co_await acceptor.async_wait(Acceptor::wait_read, asio::redirect_error(kResume, error));
    if (!acceptor.is_open()) co_return;
    const int ended_by = accept_round(door, acceptor.native_handle());
    if (ended_by == 0 || ended_by == EAGAIN) continue;
    // Out of descriptors or memory the backlog stays readable: asking again at once would only burn the
    // processor.
    log::warning("cannot accept connections for the moment", {{"error", errno_text(ended_by)}});
    pause.expires_after(100ms);
    co_await pause.async_wait(asio::redirect_error(kResume, error));
  }
}

}  // namespace gitopsd::server
