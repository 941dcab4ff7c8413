#include "daemon/server/tls.h"

#include <openssl/err.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/problem.h"

namespace gitopsd::server {
namespace {

std::string openssl_error() {
  const auto code = ERR_peek_error();
  ERR_clear_error();
  const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  return reason != nullptr ? reason : "unknown error";
}

[[noreturn]] void fail_file(const std::string& what, const std::string& path, const std::string& hint) {
  Problem problem;
  problem.cause = ProblemCause::input;
  problem.message = what + ": " + openssl_error();
  problem.hint = hint;
  problem.file = path;
  throw Failure(std::move(problem));
}

/// Only HTTP/1.1 is spoken; a client that offers protocols without it would talk past us.
int select_protocol(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
                    unsigned int offered_size, void*) {
  static constexpr unsigned char ours[] = "\x08http/1.1";
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, size, ours, sizeof ours - 1, offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

int no_passphrase(char*, int, int, void*) {
  return 0;
}

}  // namespace

FileStamp FileStamp::of(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return {};
  return {info.st_dev, info.st_ino, info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec, info.st_size};
}

TlsContext load_tls(const config::Tls& files) {
  ERR_clear_error();
  TlsContext context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!context) throw fail(ProblemCause::internal, "OpenSSL gives no TLS context: " + openssl_error());
  SSL_CTX* raw = context.get();
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(raw, "ECDHE+AESGCM:ECDHE+CHACHA20");
  SSL_CTX_set_ciphersuites(raw, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256");
  SSL_CTX_set1_groups_list(raw, "X25519:P-256:P-384");
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                               SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(raw, 0);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(
      raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(raw, 1);
  SSL_CTX_set_alpn_select_cb(raw, select_protocol, nullptr);
  SSL_CTX_set_default_passwd_cb(raw, no_passphrase);
  if (SSL_CTX_use_certificate_chain_file(raw, files.certificate.c_str()) != 1)
    fail_file("the TLS certificate cannot be used", files.certificate,
              "expected a PEM chain that the daemon's user may read");
  if (SSL_CTX_use_PrivateKey_file(raw, files.key.c_str(), SSL_FILETYPE_PEM) != 1)
    fail_file("the TLS key cannot be used", files.key,
              "expected a PEM key without passphrase that belongs to the certificate");
  if (SSL_CTX_check_private_key(raw) != 1)
    fail_file("the TLS key does not belong to the certificate", files.key, "replace both files");
  return context;
}

Channel::Channel(int fd, const TlsContext& context) : fd_(fd) {
  if (!context) return;
  ssl_.reset(SSL_new(context.get()));
  if (!ssl_ || SSL_set_fd(ssl_.get(), fd) != 1) throw std::bad_alloc();
  SSL_set_accept_state(ssl_.get());
}

Io Channel::result(int returned) {
  if (returned > 0) return {Io::Kind::done, static_cast<std::size_t>(returned)};
  const int error = SSL_get_error(ssl_.get(), returned);
  ERR_clear_error();
  switch (error) {
    case SSL_ERROR_WANT_READ:
      return {Io::Kind::wants_read};
    case SSL_ERROR_WANT_WRITE:
      return {Io::Kind::wants_write};
    case SSL_ERROR_ZERO_RETURN:
      return {Io::Kind::closed};
    default:
      // After a fatal error OpenSSL forbids SSL_shutdown.
      SSL_set_quiet_shutdown(ssl_.get(), 1);
      return {Io::Kind::failed};
  }
}

Io Channel::handshake() {
  if (!ssl_) return {Io::Kind::done};
  ERR_clear_error();
  return result(SSL_do_handshake(ssl_.get()));
}

Io Channel::read(std::span<char> into) {
  if (ssl_) {
    ERR_clear_error();
    return result(
        SSL_read(ssl_.get(), into.data(), static_cast<int>(std::min<std::size_t>(into.size(), 1u << 30))));
  }
  const auto got = ::recv(fd_, into.data(), into.size(), 0);
  if (got > 0) return {Io::Kind::done, static_cast<std::size_t>(got)};
  if (got == 0) return {Io::Kind::closed};
  return {errno == EAGAIN || errno == EINTR ? Io::Kind::wants_read : Io::Kind::failed};
}

Io Channel::write(std::string_view bytes) {
  if (ssl_) {
    ERR_clear_error();
    return result(SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())));
  }
  const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent >= 0) return {Io::Kind::done, static_cast<std::size_t>(sent)};
  return {errno == EAGAIN || errno == EINTR ? Io::Kind::wants_write : Io::Kind::failed};
}

bool Channel::buffered() const {
  return ssl_ && SSL_has_pending(ssl_.get()) == 1;
}

void Channel::goodbye() {
  if (!ssl_ || SSL_is_init_finished(ssl_.get()) == 0) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

}  // namespace gitopsd::server
