#include "client.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <csignal>
#include <stdexcept>

#include "tests/unit/slower.h"

namespace gitopsd::server {

Client::Client(int port, const ClientOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);
  const bool v6 = options.host.find(':') != std::string::npos;
  fd_ = Fd(::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval patience{30L * gitopsd::test::kSlower, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  sockaddr_in v4_name{};
  v4_name.sin_family = AF_INET;
  v4_name.sin_port = htons(static_cast<std::uint16_t>(port));
  sockaddr_in6 v6_name{};
  v6_name.sin6_family = AF_INET6;
  v6_name.sin6_port = v4_name.sin_port;
  ::inet_pton(AF_INET, options.host.c_str(), &v4_name.sin_addr);
  ::inet_pton(AF_INET6, options.host.c_str(), &v6_name.sin6_addr);
  const auto* name = v6 ? reinterpret_cast<sockaddr*>(&v6_name) : reinterpret_cast<sockaddr*>(&v4_name);
  if (::connect(fd_.get(), name, v6 ? sizeof v6_name : sizeof v4_name) != 0)
    throw std::runtime_error("not connected");
  if (!options.tls) return;
  context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_security_level(context_.get(), 0);
  if (options.version != 0) {
    SSL_CTX_set_min_proto_version(context_.get(), options.version);
    SSL_CTX_set_max_proto_version(context_.get(), options.version);
  }
  ssl_.reset(SSL_new(context_.get()));
  if (!options.protocols.empty())
    SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(options.protocols.data()),
                        static_cast<unsigned>(options.protocols.size()));
  SSL_set_fd(ssl_.get(), fd_.get());
  if (options.handshake && SSL_connect(ssl_.get()) != 1) throw std::runtime_error("no handshake");
}

void Client::send(std::string_view bytes) {
  if (!ssl_) return send_raw(bytes);
  while (!bytes.empty()) {
    const int sent =
        SSL_write(ssl_.get(), bytes.data(), static_cast<int>(std::min<std::size_t>(bytes.size(), 16384)));
    if (sent <= 0) throw std::runtime_error("the server takes no more");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void Client::send_raw(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) throw std::runtime_error("the server takes no more");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

int Client::read_some(char* into, int size) {
  if (!ssl_) return static_cast<int>(::recv(fd_.get(), into, static_cast<std::size_t>(size), 0));
  ERR_clear_error();
  return SSL_read(ssl_.get(), into, size);
}

Response Client::response() {
  char buffer[4096];
  const auto more = [&] {
    const int got = read_some(buffer, sizeof buffer);
    if (got <= 0) throw std::runtime_error("the connection ended before a response did: " + input_);
    input_.append(buffer, static_cast<std::size_t>(got));
  };
  std::size_t end = 0;
  while ((end = input_.find("\r\n\r\n")) == std::string::npos) more();
  Response response;
  response.status = std::stoi(input_.substr(9, 3));
  std::size_t line = input_.find("\r\n") + 2;
  response.raw = input_.substr(0, line);
  while (line < end + 2) {
    const auto next = input_.find("\r\n", line);
    const auto field = input_.substr(line, next - line);
    auto name = field.substr(0, field.find(':'));
    std::ranges::transform(name, name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    response.headers[name] = field.substr(field.find(':') + 2);
    if (name != "date") response.raw += field + "\n";
    line = next + 2;
  }
  std::size_t size = 0;
  if (response.headers.contains("content-length")) size = std::stoul(response.headers["content-length"]);
  while (input_.size() < end + 4 + size) more();
  response.body = input_.substr(end + 4, size);
  response.raw += response.body;
  input_.erase(0, end + 4 + size);
  return response;
}

bool Client::closed() {
  char byte = 0;
  if (!input_.empty()) return false;
  const int got = read_some(&byte, 1);
  if (got > 0) return false;
  if (ssl_) return SSL_get_error(ssl_.get(), got) != SSL_ERROR_WANT_READ;
  return got == 0 || errno == ECONNRESET;
}

bool Client::readable(int milliseconds) {
  pollfd poll{fd_.get(), POLLIN, 0};
  return !input_.empty() || ::poll(&poll, 1, milliseconds) > 0;
}

std::string Client::certificate() const {
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get1_peer_certificate(ssl_.get()),
                                                                X509_free);
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate.get(), &der);
  std::string bytes(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return bytes;
}

std::string Client::protocol() const {
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &chosen, &size);
  return chosen == nullptr ? "" : std::string(reinterpret_cast<const char*>(chosen), size);
}

}  // namespace gitopsd::server
