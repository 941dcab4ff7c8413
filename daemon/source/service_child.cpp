#include <functional>

#include "daemon/source/child_stream.h"
#include "daemon/source/packet.h"
#include "daemon/source/service.h"
#include "daemon/source/ssh.h"

namespace gitopsd::source {

namespace {

/// upload-pack on the standard input and output of a child.
class ChildService : public Service {
 public:
  using Start = std::function<Command(const Operation&, const Address&)>;
  using Explain = std::function<Failure(const Operation&, const Address&, std::string_view)>;

  ChildService(Address address, Start start, Explain explain)
      : address_(std::move(address)), start_(std::move(start)), explain_(std::move(explain)) {}

  void advertise(const Operation& operation) override {
    stream_.emplace(operation, start_(operation, address_));
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
  Failure ended(const Operation& operation) override {
    return explain_(operation, address_, stream_->last_words(operation));
  }

 private:
  Address address_;
  Start start_;
  Explain explain_;
  std::optional<ChildStream> stream_;
};

Command local_command(const Operation& /*operation*/, const Address& address) {
  Command command;
  command.arguments = {"/usr/bin/git", "upload-pack", "--", address.path};
  command.environment = {"PATH=/usr/bin:/bin", "LC_ALL=C", "GIT_PROTOCOL=version=2", "HOME=/",
                         "GIT_CONFIG_GLOBAL=/dev/null"};
  return command;
}

Failure local_failure(const Operation& operation, const Address& address, std::string_view complaint) {
  return operation.failure(ProblemCause::permission, "git upload-pack says: " + printable(complaint),
                           "is " + address.path + " a Git repository that this user owns?");
}

}  // namespace

std::unique_ptr<Service> open_ssh(const Address& address) {
  return std::make_unique<ChildService>(address, ssh_command, ssh_failure);
}

std::unique_ptr<Service> open_local(const Address& address) {
  return std::make_unique<ChildService>(address, local_command, local_failure);
}

}  // namespace gitopsd::source
