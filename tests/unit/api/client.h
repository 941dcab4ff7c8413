// A small blocking HTTP client for tests, on a Unix socket or a port of 127.0.0.1.
#pragma once

#include <map>
#include <string>

#include "base/file.h"
#include "base/value.h"

namespace gitopsd::api {

struct Answer {
  int status = 0;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string text;
  Value body;  ///< `text` as JSON, null where it is none
};

class Client {
 public:
  /// Ten seconds are the longest that any read waits.
  static Client to_socket(const std::string& path);
  static Client to_port(int port);

  Answer get(const std::string& target);
  Answer post(const std::string& target, const std::string& body = {},
              const std::string& type = "application/json");
  void send(const std::string& bytes);
  /// Status line, headers and the body by Content-Length or in chunks.
  Answer read_answer();
  Answer read_head();
  /// One chunk's bytes; empty is the last one.
  std::string read_chunk();
  /// Whether the daemon has read all that was sent (SIOCOUTQ).
  bool was_read() const;
  /// Whether the daemon closed the connection (waits for it).
  bool closed();

 private:
  explicit Client(Fd socket) : socket_(std::move(socket)) {}
  std::string read_line();
  std::string read_bytes(std::size_t count);
  bool fill();

  Fd socket_;
  std::string buffer_;
};

}  // namespace gitopsd::api
