// git-upload-pack at the other end, however it is reached: HTTP, a socket, or a child process.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "daemon/source/address.h"
#include "daemon/source/operation.h"

namespace gitopsd::source {

class Service {
 public:
  virtual ~Service() = default;
  /// Asks for the advertisement, in protocol version 2 where the server knows it; read() then gives it.
  virtual void advertise(const Operation&) = 0;
  /// Sends one request; read() then gives its answer.
  virtual void request(const Operation&, std::string_view body, int version) = 0;
  /// Bytes of the answer; 0 at its end. Throws Failure.
  virtual std::size_t read(const Operation&, char* buffer, std::size_t size) = 0;
  /// Says goodbye where the server waits for that.
  virtual void finish(const Operation&) = 0;
  /// Closes the connection; the next request makes a new one.
  virtual void hang_up() {}
  /// Each request stands alone (HTTP), so that a later operation may go on without a new advertisement.
  virtual bool stateless() const = 0;
  /// Its refusal of an id may be lost with the connection, so that an end without an answer is one.
  virtual bool may_lose_refusal() const { return false; }
  /// Why the answer ended early: what the other side said, as a failure.
  virtual Failure ended(const Operation&) = 0;
};

std::unique_ptr<Service> open_http(const Address&);
std::unique_ptr<Service> open_git(const Address&);
std::unique_ptr<Service> open_ssh(const Address&);
/// The upload-pack of this machine, on a directory of this machine.
std::unique_ptr<Service> open_local(const Address&);

/// The one for the address's scheme.
std::unique_ptr<Service> open_service(const Address&);

}  // namespace gitopsd::source
