// A client that says exactly the bytes it is told to, with TLS or without.
#pragma once

#include <openssl/ssl.h>

#include <map>
#include <memory>
#include <string>

#include "base/file.h"

namespace gitopsd::server {

struct Response {
  int status = 0;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
  std::string raw;  ///< all of it, without the Date field
};

struct ClientOptions {
  bool tls = true;
  int version = 0;        ///< TLS1_2_VERSION, ...: only that; 0: any
  std::string protocols;  ///< ALPN in wire form
  std::string host = "127.0.0.1";
  bool handshake = true;
};

class Client {
 public:
  /// Connects; throws when that or the handshake fails.
  explicit Client(int port, const ClientOptions& options = {});
  void send(std::string_view bytes);
  /// Past TLS, straight on the socket.
  void send_raw(std::string_view bytes);
  /// The next response; throws when the connection ends first or nothing comes for ten seconds.
  Response response();
  /// Whether the server ends the connection, without a further byte.
  bool closed();
  /// Whether anything has arrived that was not read yet.
  bool readable(int milliseconds = 0);
  /// DER of the server's certificate.
  std::string certificate() const;
  std::string protocol() const;
  int version() const { return SSL_version(ssl_.get()); }

 private:
  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  int read_some(char* into, int size);

  std::unique_ptr<SSL_CTX, Free> context_;
  Fd fd_;
  std::unique_ptr<SSL, Free> ssl_;
  std::string input_;
};

}  // namespace gitopsd::server
