// Byte streams to a remote, every wait bounded by the operation that asks.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/file.h"
#include "daemon/source/operation.h"

namespace gitopsd::source {

class Stream {
 public:
  virtual ~Stream() = default;
  /// At least one byte, or 0 at the end. Throws Failure.
  virtual std::size_t read(const Operation&, char* buffer, std::size_t size) = 0;
  /// All of it. Throws Failure.
  virtual void write(const Operation&, std::string_view bytes) = 0;
  /// Open and with nothing to read: fit to be used for another request.
  virtual bool quiet() const = 0;
};

/// A connected TCP socket, non-blocking, without Nagle's delay.
class TcpStream : public Stream {
 public:
  explicit TcpStream(Fd socket) : socket_(std::move(socket)) {}
  std::size_t read(const Operation&, char* buffer, std::size_t size) override;
  void write(const Operation&, std::string_view bytes) override;
  bool quiet() const override;
  int fd() const { return socket_.get(); }

 private:
  Fd socket_;
};

/// Resolves and connects, one address after the other, within the operation's connect timeout.
std::unique_ptr<TcpStream> connect_tcp(const Operation&, const std::string& host, const std::string& port);

}  // namespace gitopsd::source
