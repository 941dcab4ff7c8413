#include "base/captured_run.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/clock.h"
#include "base/problem.h"
#include "base/utf8.h"

namespace gitopsd {
namespace {

constexpr std::size_t kKeptErrors = 64u << 10;
constexpr std::size_t kLastWords = 300;

struct Pipe {
  Fd reading, writing;
};

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    throw fail(ProblemCause::transient, "no pipe for a child process: " + errno_text(errno));
  Pipe pipe{Fd(ends[0]), Fd(ends[1])};
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return pipe;
}

/// Takes what is there, until `text` is longer than `most`; closes the descriptor at the end of the stream.
void drain(Fd& fd, std::string& text, std::size_t most) {
  char buffer[65536];
  while (fd && text.size() <= most) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got > 0) {
      text.append(buffer, static_cast<std::size_t>(got));
    } else if (got == 0) {
      fd = Fd();
    } else if (errno != EINTR) {
      if (errno != EAGAIN) fd = Fd();
      return;
    }
  }
}

int milliseconds_left(Deadline deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Monotonic::now()).count();
  return static_cast<int>(std::clamp<long long>(left, 0, 60'000));
}

}  // namespace

std::string last_line(std::string_view text) {
  const std::size_t last = text.find_last_not_of(" \t\r\n");
  if (last == std::string_view::npos) return {};
  text = text.substr(0, last + 1);
  if (const std::size_t line_end = text.rfind('\n'); line_end != std::string_view::npos)
    text.remove_prefix(line_end + 1);
  std::string line = replace_invalid_utf8(text);
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  if (line.size() <= kLastWords) return line;
  std::size_t cut = kLastWords;
  while (cut > 0 && (static_cast<unsigned char>(line[cut]) & 0xc0) == 0x80) --cut;
  return line.substr(0, cut) + "...";
}

CapturedRun run_captured(Command command, std::size_t output_limit, std::chrono::milliseconds limit) {
  const Deadline deadline = Monotonic::now() + limit;
  Pipe output = make_pipe(), errors = make_pipe();
  command.output = output.writing.get();
  command.error = errors.writing.get();
  Child child(command);
  output.writing = Fd();
  errors.writing = Fd();
  CapturedRun run;
  const auto take = [&] {
    drain(output.reading, run.output, output_limit);
    // Only the end of it counts. A child that writes without end would never let this loop see the time
    // limit.
    drain(errors.reading, run.errors, 2 * kKeptErrors);
    if (run.errors.size() > kKeptErrors) run.errors.erase(0, run.errors.size() - kKeptErrors);
    run.too_much = run.output.size() > output_limit;
  };
  // Until the process ends, not its streams: something that it leaves behind may keep those open.
  for (bool ended = false; !ended && !run.too_much && !run.too_slow;) {
    pollfd fds[3] = {
        {child.pidfd(), POLLIN, 0}, {output.reading.get(), POLLIN, 0}, {errors.reading.get(), POLLIN, 0}};
    const int left = milliseconds_left(deadline);
    ::poll(fds, 3, left);
    ended = fds[0].revents != 0;
    take();
    run.too_slow = !ended && left == 0;
  }
  ::kill(-child.pid(), SIGKILL);
  run.status = child.wait();
  take();
  run.last_words = last_line(run.errors);
  return run;
}

}  // namespace gitopsd
