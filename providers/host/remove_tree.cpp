#include "providers/host/remove_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "base/file.h"

namespace gitopsd::host {
namespace {

constexpr int kMaxLevels = 64;

std::vector<std::string> names_in(int folder) {
  std::vector<std::string> names;
  DIR* listing = ::fdopendir(::fcntl(folder, F_DUPFD_CLOEXEC, 3));
  if (!listing) return names;
  ::rewinddir(listing);
  while (const dirent* entry = ::readdir(listing)) {
    std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(std::move(name));
  }
  ::closedir(listing);
  return names;
}

int remove_level(int folder, const std::string& name, dev_t device, int level) {
  if (::unlinkat(folder, name.c_str(), 0) == 0 || errno == ENOENT) return 0;
  if (errno != EISDIR && errno != EPERM) return errno;
  if (level > kMaxLevels) return ELOOP;
  {
    Fd inside(::openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat st {};
    if (!inside || ::fstat(inside.get(), &st) != 0) return errno;
    if (st.st_dev != device) return EXDEV;
    for (const auto& entry : names_in(inside.get()))
      if (int error = remove_level(inside.get(), entry, device, level + 1)) return error;
  }
  return ::unlinkat(folder, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : errno;
}

}  // namespace

int remove_tree(int folder, const std::string& name) {
  struct stat st {};
  if (::fstat(folder, &st) != 0) return errno;
  return remove_level(folder, name, st.st_dev, 0);
}

}  // namespace gitopsd::host
