// What malloc keeps of freed memory, given back to the system.
#pragma once

#include <cstddef>
#include <mutex>

namespace gitopsd {

/// glibc gives back only what is free at a heap's end, so a process would stay as large as its largest piece
/// of work made it.
class HeapTrim {
 public:
  /// A process that has grown by less than `worthwhile` bytes since the last look gives nothing back: its
  /// next work needs that.
  explicit HeapTrim(std::size_t worthwhile = 8u << 20) : worthwhile_(worthwhile) {}

  /// To be called when it has been quiet for a moment. Takes some milliseconds where there is much to give
  /// back, in which other threads may wait for memory; a few microseconds otherwise. Whether it gave anything
  /// back.
  bool look();

 private:
  const std::size_t worthwhile_;
  std::mutex mutex_;
  std::size_t resident_ = 0;  ///< bytes, after the last time
};

/// What of this process is in memory, in bytes (proc(5), statm); 0 where that cannot be read.
std::size_t resident_bytes();

}  // namespace gitopsd
