#include "daemon/source/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "daemon/source/free.h"

namespace gitopsd::source {

namespace {

using Context = std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>>;
using Ssl = std::unique_ptr<SSL, Free<SSL_free>>;

int fd_of(BIO* bio) {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

/// OpenSSL's own socket BIO writes with write(2), which kills a process that does not ignore SIGPIPE.
int bio_write(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t put = send(fd_of(bio), bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (put < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(put);
}

int bio_read(BIO* bio, char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t got = recv(fd_of(bio), bytes, static_cast<std::size_t>(size), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  return static_cast<int>(got);
}

long bio_control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO* make_bio(int fd) {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* m = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "gitopsd socket");
    BIO_meth_set_write(m, bio_write);
    BIO_meth_set_read(m, bio_read);
    BIO_meth_set_ctrl(m, bio_control);
    return m;
  }();
  BIO* bio = BIO_new(method);
  // The only place that OpenSSL has for a value. NOLINTNEXTLINE(performance-no-int-to-ptr)
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
  BIO_set_init(bio, 1);
  return bio;
}

std::string last_error() {
  const unsigned long code = ERR_peek_last_error();
  const char* const text = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return text == nullptr ? "the connection was closed" : text;
}

Context make_context(const Operation& operation, const std::string& ca_file) {
  Context context(SSL_CTX_new(TLS_client_method()));
  if (!context) throw operation.failure(ProblemCause::internal, "TLS cannot start: " + last_error());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  const int loaded = ca_file.empty() ? SSL_CTX_set_default_verify_paths(context.get())
                                     : SSL_CTX_load_verify_file(context.get(), ca_file.c_str());
  if (loaded != 1)
    throw operation.failure(ProblemCause::input, "ca_file " + ca_file + " cannot be used: " + last_error(),
                            "it must be a readable PEM file of authorities");
  return context;
}

class TlsStream : public Stream {
 public:
  TlsStream(std::unique_ptr<TcpStream> below, Context context, Ssl ssl)
      : below_(std::move(below)), context_(std::move(context)), ssl_(std::move(ssl)) {}

  void shake_hands(const Operation& operation) {
    const Deadline deadline = operation.connect_deadline();
    for (;;) {
      ERR_clear_error();
      const int done = SSL_connect(ssl_.get());
      if (done == 1) return;
      const int error = SSL_get_error(ssl_.get(), done);
      if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) throw refused(operation);
      operation.wait_to_connect(below_->fd(), error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline,
                                "shaking hands (TLS)");
    }
  }

  std::size_t read(const Operation& operation, char* buffer, std::size_t size) override {
    for (;;) {
      ERR_clear_error();
      std::size_t got = 0;
      if (SSL_read_ex(ssl_.get(), buffer, size, &got) == 1) return got;
      const int error = SSL_get_error(ssl_.get(), 0);
      if (error == SSL_ERROR_ZERO_RETURN) return 0;
      await(operation, error, "waiting for its bytes");
    }
  }

  void write(const Operation& operation, std::string_view bytes) override {
    while (!bytes.empty()) {
      ERR_clear_error();
      std::size_t put = 0;
      if (SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &put) == 1) {
        bytes.remove_prefix(put);
      } else {
        await(operation, SSL_get_error(ssl_.get(), 0), "sending the request");
      }
    }
  }

  bool quiet() const override {
    // TLS 1.3 session tickets arrive unasked, after the handshake: taking them in here tells them from an
    // end.
    if (SSL_pending(ssl_.get()) > 0) return false;
    char byte = 0;
    std::size_t got = 0;
    ERR_clear_error();
    return SSL_peek_ex(ssl_.get(), &byte, 1, &got) != 1 &&
           SSL_get_error(ssl_.get(), 0) == SSL_ERROR_WANT_READ;
  }

 private:
  void await(const Operation& operation, int error, std::string_view doing) {
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
      throw operation.failure(ProblemCause::transient, "the TLS connection broke: " + last_error());
    operation.wait(below_->fd(), error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, doing);
  }

  Failure refused(const Operation& operation) const {
    const long verdict = SSL_get_verify_result(ssl_.get());
    if (verdict == X509_V_OK)
      return operation.failure(ProblemCause::transient, "TLS handshake failed: " + last_error(),
                               "does TLS 1.2 or 1.3 answer on this port?");
    ERR_clear_error();
    return operation.failure(
        ProblemCause::permission,
        "its certificate is not trusted: " + std::string(X509_verify_cert_error_string(verdict)),
        "give the authority that signed it as `ca_file`, or mend the certificate; nothing was sent");
  }

  std::unique_ptr<TcpStream> below_;
  Context context_;
  Ssl ssl_;
};

bool is_address(const std::string& host) {
  const std::unique_ptr<ASN1_OCTET_STRING, Free<ASN1_OCTET_STRING_free>> ip(a2i_IPADDRESS(host.c_str()));
  ERR_clear_error();
  return ip != nullptr;
}

}  // namespace

std::unique_ptr<Stream> start_tls(const Operation& operation, std::unique_ptr<TcpStream> below,
                                  const std::string& host, const std::string& ca_file) {
  Context context = make_context(operation, ca_file);
  Ssl ssl(SSL_new(context.get()));
  if (!ssl) throw operation.failure(ProblemCause::internal, "TLS cannot start: " + last_error());
  bool named = false;
  if (is_address(host)) {
    named = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), host.c_str()) == 1;
  } else {
    SSL_set_hostflags(ssl.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    named =
        SSL_set1_host(ssl.get(), host.c_str()) == 1 && SSL_set_tlsext_host_name(ssl.get(), host.c_str()) == 1;
  }
  if (!named)
    throw operation.failure(ProblemCause::input, "the host's name cannot be checked: " + last_error());
  BIO* const bio = make_bio(below->fd());
  SSL_set_bio(ssl.get(), bio, bio);
  auto stream = std::make_unique<TlsStream>(std::move(below), std::move(context), std::move(ssl));
  stream->shake_hands(operation);
  return stream;
}

}  // namespace gitopsd::source
