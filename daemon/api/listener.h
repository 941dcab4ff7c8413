// Listening sockets: the operator's Unix socket and the health listener's address.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/file.h"

namespace gitopsd::api {

/// The operator's socket, mode 0660, in a folder that is made with mode 0750 where it is missing. One that a
/// dead daemon left is replaced; one that somebody answers on is not. Throws Failure naming the path.
class UnixListener {
 public:
  explicit UnixListener(std::string path);
  UnixListener(const UnixListener&) = delete;
  /// Removes the file, unless another one has taken its place.
  ~UnixListener();
  /// Gives the listening descriptor away.
  Fd take() { return std::move(socket_); }

 private:
  std::string path_;
  Fd socket_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

/// Listens on ADDRESS:PORT (IPv6 in brackets; port 0 takes a free one). Throws Failure naming the address.
Fd listen_tcp(const std::string& address);
/// The port that a TCP socket is bound to.
int local_port(int socket);

}  // namespace gitopsd::api
