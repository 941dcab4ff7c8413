// A file descriptor that is closed again. Not base's, whose library brings along far more than a sandbox
// should hold.
#pragma once

#include <unistd.h>

namespace gitopsd::sandbox {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

}  // namespace gitopsd::sandbox
