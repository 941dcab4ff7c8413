// What of the file system a process may still touch: landlock(7).
#pragma once

#include <string>
#include <vector>

namespace gitopsd::sandbox {

struct Paths {
  std::vector<std::string> read;     ///< files, and folders with all below them
  std::vector<std::string> write;    ///< folders whose files may be read, made, changed and removed
  std::vector<std::string> execute;  ///< single files
};

/// From here on nothing else can be opened or executed; what is open stays so. Paths that do not exist are
/// left out. Throws std::runtime_error where the kernel has no Landlock, or one older than ABI 2.
void restrict_files(const Paths&);

}  // namespace gitopsd::sandbox
