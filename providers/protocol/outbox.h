// The frames that wait to be written, and the thread that writes them: control frames first, then blob
// chunks.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/file.h"

namespace gitopsd::protocol {

enum class Lane { control, blob };

class Outbox {
 public:
  /// `output` is non-blocking; `wake` is an eventfd that becomes readable when the stream is to end.
  Outbox(Fd output, int wake) : output_(std::move(output)), wake_(wake) {}

  /// Never blocks. False when closed, or when the other side stopped reading and the queue is full, which is
  /// the end of the stream.
  bool push(std::string frame, Lane lane);
  /// Writes until closed or broken; returns why, empty when closed.
  std::string run();
  bool drain(Deadline deadline);
  void close();

 private:
  std::string take();
  std::string write_all(std::string_view bytes);

  Fd output_;
  int wake_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> control_, blobs_;
  std::size_t queued_bytes_ = 0;
  bool writing_ = false, closed_ = false, overflow_ = false;
};

}  // namespace gitopsd::protocol
