// TLS by OpenSSL straight on the socket: one read and one write per request, no copies between layers.
#pragma once

#include <openssl/ssl.h>
#include <sys/stat.h>

#include <memory>
#include <span>
#include <string>

#include "config/config.h"

namespace gitopsd::server {

/// Tells whether a file was replaced or written since.
struct FileStamp {
  dev_t device = 0;
  ino_t inode = 0;
  std::int64_t modified = 0;  ///< nanoseconds
  off_t size = 0;
  auto operator<=>(const FileStamp&) const = default;
  /// All zero where there is no file.
  static FileStamp of(const std::string& path);
};

struct TlsStamp {
  FileStamp certificate, key;
  auto operator<=>(const TlsStamp&) const = default;
  static TlsStamp of(const config::Tls& files) {
    return {FileStamp::of(files.certificate), FileStamp::of(files.key)};
  }
};

using TlsContext = std::shared_ptr<SSL_CTX>;
/// TLS 1.2 and 1.3, HTTP/1.1 by ALPN, AES-128 first, no tickets, no renegotiation. Throws Failure naming the
/// file.
TlsContext load_tls(const config::Tls& files);

/// What an operation on a channel came to.
struct Io {
  enum class Kind { done, wants_read, wants_write, closed, failed };
  Kind kind = Kind::failed;
  std::size_t bytes = 0;
};

/// A non-blocking connected socket, with TLS or without. Borrows the descriptor.
class Channel {
 public:
  /// Plain where `context` is null.
  Channel(int fd, const TlsContext& context);

  bool secure() const { return ssl_ != nullptr; }
  Io handshake();
  Io read(std::span<char> into);
  Io write(std::string_view bytes);
  /// Bytes that were taken from the socket and not yet read; a read may be worth while without waiting.
  bool buffered() const;
  /// Says goodbye (close_notify), as far as that goes without waiting.
  void goodbye();

 private:
  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  Io result(int returned);

  int fd_;
  std::unique_ptr<SSL, Free> ssl_;
};

}  // namespace gitopsd::server
