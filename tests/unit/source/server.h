// Real Git servers on loopback, and hostile ones.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/process.h"
#include "tests/unit/source/fixture.h"

namespace gitopsd::source::test {

int free_port();
/// A socket that has a free port and does not listen: nobody else can have that port meanwhile. Owned by the
/// caller.
int bound_socket(int& port);
bool listens(int port);

/// http_server.py for the repositories below a folder.
class HttpServer {
 public:
  HttpServer(const std::string& root, const std::vector<std::string>& options = {});
  std::string url(const std::string& repository, const std::string& scheme = "http") const;
  int port() const { return port_; }
  /// One per request: "CONNECTION METHOD TARGET credentials|-".
  std::vector<std::string> requests() const;

 private:
  std::string log_;
  Child child_;
  int port_ = 0;
};

/// Git's own daemon, git://.
class GitDaemon {
 public:
  explicit GitDaemon(const std::string& root);
  std::string url(const std::string& repository) const;

 private:
  int port_;
  Child child_;
};

/// OpenSSH's server for this user, with a key that may log in.
class SshServer {
 public:
  explicit SshServer(const std::string& folder, bool passes_protocol = true);
  std::string url(const std::string& path) const;
  Remote remote(const std::string& path) const;
  /// A new host key, as an attacker between would have. Until the destructor of the server.
  void change_host_key();
  std::string fingerprint() const;
  const std::string& folder() const { return folder_; }
  std::string host() const { return "[127.0.0.1]:" + std::to_string(port_); }

 private:
  /// False where somebody else has the port.
  bool start();

  std::string folder_;
  int port_ = 0;
  Child child_;
};

/// Accepts, and does to each connection what a test wants, in a thread of its own.
class Listener {
 public:
  explicit Listener(std::function<void(int)> handle);
  ~Listener();
  int port() const { return port_; }
  std::string url(const std::string& scheme = "http") const;
  int connections() const { return connections_; }

 private:
  int fd_ = -1, stop_ = -1, port_ = 0;
  std::function<void(int)> handle_;
  std::atomic<int> connections_{0};
  std::thread thread_;
};

/// A port that lets a connection wait for ever.
class FullBacklog {
 public:
  FullBacklog();
  int port() const { return port_; }

 private:
  int port_ = 0;
  Fd listener_;
  std::vector<Fd> fillers_;
};

/// For handlers: one whole HTTP request; sends all; waits until the other side closes.
std::string read_request(int fd);
void send_all(int fd, const std::string& bytes);
void wait_for_close(int fd);
/// Carries bytes both ways between `fd` and a port of this machine until one side closes.
void relay(int fd, int port);

/// A certificate for `host` and its key, both in one PEM file. `days` may be negative: expired.
void make_certificate(const std::string& file, const std::string& host, int days = 2);

}  // namespace gitopsd::source::test
