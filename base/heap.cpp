#include "base/heap.h"

#include <malloc.h>
#include <unistd.h>

#include <fstream>

namespace gitopsd {

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0, resident = 0;
  statm >> total >> resident;  // both 0 where it cannot be read
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

bool HeapTrim::look() {
  const std::lock_guard lock(mutex_);
  if (resident_bytes() < resident_ + worthwhile_) return false;
  ::malloc_trim(0);
  resident_ = resident_bytes();
  return true;
}

}  // namespace gitopsd
