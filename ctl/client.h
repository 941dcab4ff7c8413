// HTTP over the daemon's Unix socket, blocking.
#pragma once

#include <chrono>
#include <functional>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/json.h"
#include "base/value.h"

namespace gitopsd::ctl {

/// The daemon cannot be reached, or ended the conversation; `what` says how to go on.
struct Unreachable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The daemon answered with an error (docs/api.md, Errors).
class Refused : public std::runtime_error {
 public:
  Refused(int status, Value answer);
  int status() const { return status_; }
  const Value& answer() const { return answer_; }

 private:
  int status_;
  Value answer_;
};

class Client {
 public:
  Client() = default;
  explicit Client(std::string socket) : socket_(std::move(socket)) {}
  const std::string& socket() const { return socket_; }

  // Both return the answer of a success. They throw Refused and Unreachable.
  Value get(const std::string& target) const;
  /// `patience`: how long the daemon may work on it.
  Value post(const std::string& target, const Value& body = Value::object(),
             std::chrono::seconds patience = std::chrono::seconds(60)) const;
  /// Reads a stream of JSON lines until it ends or `line` returns false. Returns false when `until` has
  /// passed.
  bool lines(const std::string& target, const std::function<bool(const Value&)>& line,
             Deadline until = Deadline::max()) const;

 private:
  std::string socket_;
};

/// Percent-encodes all but unreserved characters (RFC 3986, 2.3).
std::string percent_encoded(std::string_view text);
/// `path?key=value&...`; pairs without a value are left out.
std::string target(std::string path, std::initializer_list<std::pair<std::string_view, std::string>> query);

}  // namespace gitopsd::ctl
