#include "providers/protocol/outbox.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace gitopsd::protocol {
namespace {

constexpr std::size_t kMaxQueued = 64u << 20;
constexpr std::size_t kBatch = 64u << 10;

}  // namespace

bool Outbox::push(std::string frame, Lane lane) {
  std::lock_guard lock(mutex_);
  if (closed_ || overflow_) return false;
  if (queued_bytes_ + frame.size() > kMaxQueued) {
    overflow_ = true;
    changed_.notify_all();
    return false;
  }
  queued_bytes_ += frame.size();
  (lane == Lane::control ? control_ : blobs_).push_back(std::move(frame));
  changed_.notify_all();
  return true;
}

std::string Outbox::take() {
  std::string batch;
  if (control_.empty()) {
    batch = std::move(blobs_.front());
    blobs_.pop_front();
  }
  while (!control_.empty() && batch.size() + control_.front().size() <= kBatch) {
    batch += control_.front();
    control_.pop_front();
  }
  if (batch.empty()) {
    batch = std::move(control_.front());
    control_.pop_front();
  }
  queued_bytes_ -= batch.size();
  return batch;
}

std::string Outbox::run() {
  std::string error;
  while (error.empty()) {
    std::string batch;
    {
      std::unique_lock lock(mutex_);
      writing_ = false;
      changed_.notify_all();
      changed_.wait(lock, [&] { return closed_ || overflow_ || !control_.empty() || !blobs_.empty(); });
      if (closed_) return {};
      if (overflow_) {
        error = "the other side does not read: more than 64 MiB wait to be written";
        break;
      }
      batch = take();
      writing_ = true;
    }
    error = write_all(batch);
  }
  close();
  return error;
}

std::string Outbox::write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::write(output_.get(), bytes.data(), bytes.size());
    if (n > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
      continue;
    }
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno != EAGAIN) return "writing: " + errno_text(errno);
    pollfd fds[2] = {{output_.get(), POLLOUT, 0}, {wake_, POLLIN, 0}};
    ::poll(fds, 2, -1);
    if (fds[1].revents) return "closed while writing";
  }
  return {};
}

bool Outbox::drain(Deadline deadline) {
  std::unique_lock lock(mutex_);
  auto idle = [&] { return control_.empty() && blobs_.empty() && !writing_; };
  changed_.wait_until(lock, deadline, [&] { return closed_ || overflow_ || idle(); });
  return idle() && !closed_;
}

void Outbox::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

}  // namespace gitopsd::protocol
