#include "daemon/source/operation.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>

#include "base/file.h"
#include "base/utf8.h"

namespace gitopsd::source {

namespace {

using std::chrono::milliseconds;

std::string seconds(milliseconds duration) {
  const auto count = duration.count();
  return count % 1000 == 0 ? std::to_string(count / 1000) + " s" : std::to_string(count) + " ms";
}

/// Terminals obey C0 and C1 controls, and C1 is valid UTF-8.
bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character.front());
  return first < 0x20 || first == 0x7f || (first == 0xc2 && static_cast<unsigned char>(character[1]) < 0xa0);
}

}  // namespace

Operation::Operation(const Remote& remote, std::string place, const Cancel& cancel)
    : remote_(remote),
      place_(std::move(place)),
      cancel_(cancel),
      start_(Monotonic::now()),
      total_(start_ + remote.total_timeout) {}

Deadline Operation::connect_deadline() const {
  return Monotonic::now() + remote_.connect_timeout;
}

void Operation::wait(int fd, short events, std::string_view doing) const {
  const Deadline began = Monotonic::now();
  wait_between(fd, events, began, began + remote_.idle_timeout, doing);
}

void Operation::wait_until(int fd, short events, Deadline deadline, std::string_view doing) const {
  wait_between(fd, events, Monotonic::now(), deadline, doing);
}

void Operation::wait_to_connect(int fd, short events, Deadline deadline, std::string_view doing) const {
  wait_between(fd, events, deadline - remote_.connect_timeout, deadline, doing);
}

void Operation::wait_between(int fd, short events, Deadline began, Deadline deadline,
                             std::string_view doing) const {
  const Deadline until = std::min(deadline, total_);
  for (;;) {
    // Rounded up: poll(2) counts whole milliseconds, and waking early would only spin.
    const auto left = std::chrono::ceil<milliseconds>(until - Monotonic::now()).count();
    pollfd fds[] = {{fd, events, 0}, {cancel_.fd(), POLLIN, 0}};
    const int ready = poll(fds, 2, static_cast<int>(std::clamp<long long>(left, 0, 60'000)));
    if (ready < 0 && errno != EINTR)
      throw failure(ProblemCause::internal, "poll failed: " + errno_text(errno));
    if (ready > 0 && fds[1].revents != 0) check(doing);
    if (ready > 0 && fds[0].revents != 0) return;
    if (Monotonic::now() < until) continue;
    check(doing);
    throw failure(ProblemCause::transient,
                  "no answer for " + seconds(std::chrono::round<milliseconds>(until - began)) + " while " +
                      std::string(doing),
                  "check the host and the network between, or raise connect_timeout or idle_timeout");
  }
}

void Operation::check(std::string_view doing) const {
  if (cancel_.requested())
    throw failure(ProblemCause::transient, "was asked to stop while " + std::string(doing));
  if (Monotonic::now() >= total_)
    throw failure(ProblemCause::transient,
                  "not done after " + seconds(remote_.total_timeout) + " while " + std::string(doing),
                  "the remote is too slow or the repository too large: raise total_timeout");
}

Failure Operation::failure(ProblemCause cause, std::string what, std::string hint) const {
  return fail(cause, "repository " + remote_.name.str() + ": " + place_ + ": " + std::move(what),
              std::move(hint));
}

std::string printable(std::string_view text, std::size_t limit) {
  const bool longer = text.size() > limit;
  text = text.substr(0, limit);
  std::string out;
  while (!text.empty()) {
    const std::size_t size = utf8_size(text, 0);
    if (size == 0 || is_control(text.substr(0, size))) {
      out += ' ';
    } else {
      out += text.substr(0, size);
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  out.erase(0, std::min(out.find_first_not_of(' '), out.size()));
  out.erase(out.find_last_not_of(' ') + 1);
  return longer ? out + "..." : out;
}

}  // namespace gitopsd::source
