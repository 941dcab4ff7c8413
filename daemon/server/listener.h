// The listening socket: made or inherited, and how what it accepts becomes sessions.
#pragma once

#include <string>

#include "base/file.h"
#include "daemon/server/door.h"

namespace gitopsd::server {

/// A listening socket on `ADDRESS:PORT` with SO_REUSEADDR, `[::]` for IPv4 too. Throws Failure naming the
/// address.
Fd listen_on(const std::string& address);
/// The port that a listening socket has.
int port_of(int listener);

/// Accepts what is waiting, at most 64 connections, and shares it out among the doors. The error that ended
/// it; EAGAIN: nothing more is there, 0: more may be.
int accept_round(Door& door, int listener);

/// Accepts until the acceptor is closed. Connections beyond a limit are closed at once.
Task<void> accept_sessions(Door& door, Acceptor& acceptor);

}  // namespace gitopsd::server
