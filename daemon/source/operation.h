// One operation on one remote: its deadlines, the wish to end it, and how its failures are worded.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/problem.h"
#include "daemon/source/mirror.h"

namespace gitopsd::source {

class Operation {
 public:
  /// `place` is what failures name besides the repository: a host and port, or a path.
  Operation(const Remote& remote, std::string place, const Cancel& cancel);
  /// The same operation with another place, such as a proxy on the way.
  Operation(const Operation& whole, std::string place) : Operation(whole) { place_ = std::move(place); }

  const Remote& remote() const { return remote_; }
  const Cancel& cancel() const { return cancel_; }

  /// Until `fd` has `events` (poll(2)). Throws Failure (transient) at the idle or total deadline or when
  /// cancelled; `doing` completes "while ...".
  void wait(int fd, short events, std::string_view doing) const;
  /// The same, but until `deadline` where that is earlier than the total one.
  void wait_until(int fd, short events, Deadline deadline, std::string_view doing) const;
  /// The same, but until a connect_deadline(), and tells connect_timeout as it was set.
  void wait_to_connect(int fd, short events, Deadline deadline, std::string_view doing) const;
  /// Throws when cancelled or past the total deadline.
  void check(std::string_view doing) const;
  Deadline connect_deadline() const;

  Failure failure(ProblemCause cause, std::string what, std::string hint = {}) const;

 private:
  void wait_between(int fd, short events, Deadline began, Deadline deadline, std::string_view doing) const;

  const Remote& remote_;
  std::string place_;
  const Cancel& cancel_;
  Deadline start_, total_;
};

/// Words of a stranger for a message: printable, on one line, at most `limit` bytes.
std::string printable(std::string_view text, std::size_t limit = 300);

}  // namespace gitopsd::source
