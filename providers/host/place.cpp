#include "providers/host/place.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/hash.h"
#include "providers/host/path.h"

namespace gitopsd::host {
namespace {

constexpr int kFolder = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
constexpr std::size_t kPiece = 256u << 10;

Failure cannot(const std::string& path, int error) {
  return fail(ProblemCause::destination, "cannot look at '" + path + "': " + errno_text(error));
}

Fd open_prefix(const std::string& prefix) {
  Fd fd(::open(prefix.c_str(), kFolder));
  if (!fd)
    throw fail(ProblemCause::destination,
               "cannot open the allowed folder '" + prefix + "': " + errno_text(errno),
               "create it, mount it, or correct `policy.paths`");
  return fd;
}

std::int64_t nanoseconds(const timespec& t) {
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

Type type_of(mode_t mode) {
  if (S_ISREG(mode)) return Type::file;
  if (S_ISDIR(mode)) return Type::directory;
  return S_ISLNK(mode) ? Type::symlink : Type::other;
}

/// Opens a regular file that fstatat saw, and nothing that has taken its place since.
Fd open_same(const Place& place, const struct stat& seen) {
  Fd fd(::openat(place.folder.get(), place.name.c_str(),
                 O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!fd) throw cannot(place.path, errno);
  struct stat now {};
  if (::fstat(fd.get(), &now) != 0) throw cannot(place.path, errno);
  if (now.st_ino != seen.st_ino || now.st_dev != seen.st_dev)
    throw fail(ProblemCause::transient, "'" + place.path + "' was replaced while it was being looked at");
  return fd;
}

void hash_file(const Place& place, const struct stat& st, const Secret& key, Seen& seen) {
  Fd fd = open_same(place, st);
  Hasher mac(key.reveal()), plain;
  std::string piece(std::min<std::size_t>(kPiece, static_cast<std::size_t>(st.st_size) + 1), '\0');
  for (;;) {
    ssize_t n = ::read(fd.get(), piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw cannot(place.path, errno);
    if (n == 0) break;
    std::string_view bytes(piece.data(), static_cast<std::size_t>(n));
    mac.update(bytes);
    plain.update(bytes);
  }
  seen.facts.content = to_hex(mac.finish());
  seen.sha256 = to_hex(plain.finish());
}

}  // namespace

std::optional<Place> open_place(const std::string& prefix, const std::string& path) {
  // A prefix may name the thing itself; the folder that holds it is then the administrator's choice as well.
  const bool itself = path == prefix;
  Fd top = open_prefix(itself ? parent_of(path) : prefix);
  const std::string folder = parent_of(path);
  if (itself || folder == prefix) return Place{std::move(top), name_of(path), path};
  try {
    return Place{open_beneath(top.get(), relative_to(folder, prefix), kFolder), name_of(path), path};
  } catch (const std::system_error& e) {
    const int error = e.code().value();
    if (error == ENOENT || error == ENOTDIR) return std::nullopt;
    if (error == ELOOP || error == EXDEV)
      throw fail(ProblemCause::conflict, "a symbolic link is on the way to '" + path + "'",
                 "declare the path that the link leads to, or make the link a folder");
    throw cannot(path, error);
  }
}

bool prefix_is_missing(const std::string& prefix) {
  struct stat st {};
  if (::stat(prefix.c_str(), &st) == 0) return false;
  if (errno == ENOENT || errno == ENOTDIR) return true;
  throw cannot(prefix, errno);
}

std::string content_mac(const Secret& key, std::string_view bytes) {
  return to_hex(hmac_sha256(key.reveal(), bytes));
}

Seen look(const Place& place, const Secret* key) {
  Seen seen;
  struct stat st {};
  if (::fstatat(place.folder.get(), place.name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return seen;
    throw cannot(place.path, errno);
  }
  seen.facts.type = type_of(st.st_mode);
  seen.fingerprint = {st.st_dev, st.st_ino, st.st_size, nanoseconds(st.st_mtim), nanoseconds(st.st_ctim)};
  if (seen.facts.type == Type::file || seen.facts.type == Type::directory) {
    seen.facts.mode = st.st_mode & 07777;
    seen.facts.uid = st.st_uid;
    seen.facts.gid = st.st_gid;
  }
  if (seen.facts.type == Type::symlink) {
    std::string target(4096, '\0');
    ssize_t n = ::readlinkat(place.folder.get(), place.name.c_str(), target.data(), target.size());
    if (n < 0) throw cannot(place.path, errno);
    target.resize(static_cast<std::size_t>(n));
    if (key) seen.facts.content = content_mac(*key, target);
    seen.target = std::move(target);
  }
  if (seen.facts.type == Type::file && key) hash_file(place, st, *key, seen);
  return seen;
}

std::optional<std::string> read_bounded(const Place& place, std::size_t limit) {
  struct stat st {};
  if (::fstatat(place.folder.get(), place.name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  if (!S_ISREG(st.st_mode) || st.st_size > static_cast<off_t>(limit)) return std::nullopt;
  try {
    return read_fd(open_same(place, st).get(), place.path, limit);
  } catch (const Failure&) {
    return std::nullopt;  // grew or vanished meanwhile; the caller shows less
  }
}

}  // namespace gitopsd::host
