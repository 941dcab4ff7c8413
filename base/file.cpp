#include "base/file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/problem.h"

namespace gitopsd {
namespace {

/// What openat2 does, one step after the other; returns -1 with errno as it does. A unit with
/// RestrictSUIDSGID= has no openat2 (ENOSYS), since systemd's filter cannot see the mode in it.
int open_by_steps(int root, const std::string& path, int flags, mode_t mode) {
  const auto refused = [](int error) {
    errno = error;
    return -1;
  };
  if (path.starts_with('/')) return refused(EXDEV);
  Fd folder;
  std::size_t start = 0;
  while (true) {
    const auto slash = path.find('/', start);
    const bool last = slash == path.npos;
    const std::string step = path.substr(start, last ? path.npos : slash - start);
    if (step == "..") return refused(EXDEV);
    const int at = folder ? folder.get() : root;
    const int how = last ? flags : O_PATH | O_DIRECTORY;
    Fd next(::openat(at, step.c_str(), how | O_NOFOLLOW | O_CLOEXEC, mode));
    if (!next) {
      const int error = errno;
      struct stat st {};
      const bool link = ::fstatat(at, step.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
      return refused(link && error == ENOTDIR ? ELOOP : error);
    }
    if (last) return next.release();
    folder = std::move(next);
    start = slash + 1;
  }
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = other.release();
  }
  return *this;
}

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

Fd open_beneath(int root, std::string_view path, int flags, mode_t mode) {
  const std::string name(path);
  if (name.find('\0') != std::string::npos)
    throw std::system_error(EINVAL, std::generic_category(), "a path with a zero byte");
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  // O_TMPFILE holds the bit of O_DIRECTORY; a mode without a file to make is refused by the kernel.
  how.mode = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? mode : 0;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  constexpr int kTries = 1000;  // EAGAIN: a rename raced with the walk; somebody may keep renaming
  int fd = -1;
  for (int i = 0; i < kTries; ++i) {
    fd = static_cast<int>(::syscall(SYS_openat2, root, name.c_str(), &how, sizeof how));
    if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) break;
  }
  if (fd < 0 && errno == ENOSYS) fd = open_by_steps(root, name, flags, mode);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), name);
  return Fd(fd);
}

Fd open_directory(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), path);
  return Fd(fd);
}

std::string read_fd(int fd, std::string_view name, std::size_t limit) {
  std::string bytes;
  char buffer[65536];
  while (true) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n == 0) return bytes;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw fail(ProblemCause::input, "cannot read " + std::string(name) + ": " + errno_text(errno));
    if (bytes.size() + static_cast<std::size_t>(n) > limit) {
      throw fail(ProblemCause::input,
                 std::string(name) + " is larger than " + std::to_string(limit) + " bytes");
    }
    bytes.append(buffer, static_cast<std::size_t>(n));
  }
}

std::string read_file(const std::string& path, std::size_t limit) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) throw fail(ProblemCause::input, "cannot open " + path + ": " + errno_text(errno));
  return read_fd(fd.get(), path, limit);
}

void write_file_atomically(const std::string& path, std::string_view bytes, mode_t mode) {
  const auto refuse = [&](const char* what, int error) {
    return fail(ProblemCause::destination,
                "cannot " + std::string(what) + " " + path + ": " + errno_text(error));
  };
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  std::string sibling = path + ".XXXXXX";
  Fd fd(::mkostemp(sibling.data(), O_CLOEXEC));
  if (!fd) throw refuse("write beside", errno);
  const auto give_up = [&](const char* what) {
    const int error = errno;
    ::unlink(sibling.c_str());
    return refuse(what, error);
  };
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw give_up("write");
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  if (::fchmod(fd.get(), mode) != 0) throw give_up("set the mode of");
  if (::fsync(fd.get()) != 0) throw give_up("sync");
  if (::rename(sibling.c_str(), path.c_str()) != 0) throw give_up("replace");
  const Fd directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::fsync(directory.get()) != 0) throw refuse("sync the folder of", errno);
}

std::string errno_text(int error) {
  const char* text = strerrordesc_np(error);
  const char* name = strerrorname_np(error);
  return std::string(text ? text : "unknown error") + " (" + (name ? name : std::to_string(error)) + ")";
}

}  // namespace gitopsd
