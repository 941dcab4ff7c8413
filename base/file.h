// Files: opened beneath a root, read with a bound, replaced atomically.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace gitopsd {

/// Owns a file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd();
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// openat2(2) with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS; `path` is relative to
/// `root`. Throws std::system_error; EXDEV and ELOOP tell an attempt to leave the root or a symbolic link on
/// the way.
Fd open_beneath(int root, std::string_view path, int flags, mode_t mode = 0);

/// Opens a directory (O_PATH-free, for use as a root). Throws std::system_error.
Fd open_directory(const std::string& path);

/// The whole file, refused beyond `limit` bytes. Throws Failure naming the path.
std::string read_file(const std::string& path, std::size_t limit = 16u << 20);
/// The same from an open descriptor; `name` is for the error.
std::string read_fd(int fd, std::string_view name, std::size_t limit);

/// Writes a sibling, syncs it, renames it over `path`, syncs the folder. Throws Failure naming the path.
void write_file_atomically(const std::string& path, std::string_view bytes, mode_t mode = 0600);

/// strerror without its data race: "No such file or directory (ENOENT)".
std::string errno_text(int error);

}  // namespace gitopsd
