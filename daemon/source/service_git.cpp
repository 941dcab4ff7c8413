#include "daemon/source/packet.h"
#include "daemon/source/proxy.h"
#include "daemon/source/service.h"

namespace gitopsd::source {

namespace {

/// git://, gitprotocol-pack(5): one request line, then the same bytes as over ssh. No encryption, no
/// credentials.
class GitService : public Service {
 public:
  explicit GitService(const Address& address) : address_(address) {}

  void advertise(const Operation& operation) override {
    stream_ = operation.remote().proxy.empty() ? connect_tcp(operation, address_.host, address_.port)
                                               : connect_proxy(operation, address_, true);
    std::string line = "git-upload-pack " + address_.path;
    line += '\0';
    line += "host=" + address_.authority();
    line += '\0';
    line += '\0';
    line += "version=2";
    line += '\0';
    std::string packet;
    append_packet(packet, line);
    stream_->write(operation, packet);
  }

  void request(const Operation& operation, std::string_view body, int /*version*/) override {
    stream_->write(operation, body);
  }

  std::size_t read(const Operation& operation, char* buffer, std::size_t size) override {
    return stream_->read(operation, buffer, size);
  }

  void finish(const Operation& operation) override {
    if (stream_) stream_->write(operation, kFlush);
    stream_.reset();
  }

  bool stateless() const override { return false; }
  /// git-daemon closes with our last bytes unread, upon which TCP resets the connection and drops what it
  /// said.
  bool may_lose_refusal() const override { return true; }

  Failure ended(const Operation& operation) override {
    return operation.failure(ProblemCause::transient,
                             "the connection was closed before the answer was whole");
  }

 private:
  Address address_;
  std::unique_ptr<TcpStream> stream_;
};

}  // namespace

std::unique_ptr<Service> open_git(const Address& address) {
  return std::make_unique<GitService>(address);
}

}  // namespace gitopsd::source
