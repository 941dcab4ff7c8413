#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "daemon/source/mirror.h"

namespace gitopsd::source {

Cancel::Cancel() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

Cancel::~Cancel() {
  close(fd_);
}

void Cancel::request() {
  eventfd_write(fd_, 1);
}

bool Cancel::requested() const {
  pollfd p{fd_, POLLIN, 0};
  return poll(&p, 1, 0) == 1;
}

}  // namespace gitopsd::source
