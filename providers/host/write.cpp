#include "providers/host/write.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/hash.h"
#include "providers/host/remove_tree.h"

namespace gitopsd::host {
namespace {

Failure cannot(const std::string& what, const Place& place, int error) {
  std::string hint;
  if (error == ENOSPC || error == EDQUOT) hint = "make room on the file system";
  if (error == EROFS)
    hint = "the file system is mounted read-only, or the unit's sandbox does not open this path";
  if (error == EPERM || error == EACCES) hint = "the provider's user may not do this here";
  return fail(ProblemCause::destination, "cannot " + what + " '" + place.path + "': " + errno_text(error),
              std::move(hint));
}

void write_all(int fd, std::string_view bytes, const Place& place) {
  while (!bytes.empty()) {
    ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw cannot("write", place, errno);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

// Owner before mode: a change of owner clears the setuid bits.
void set_rights(int fd, const Facts& wanted, const Place& place) {
  if (::fchown(fd, wanted.uid, wanted.gid) != 0)
    throw cannot("give to " + user_text(wanted.uid) + " and group " + group_text(wanted.gid), place, errno);
  if (::fchmod(fd, wanted.mode) != 0) throw cannot("set the mode of", place, errno);
}

void sync_folder(const Place& place) {
  if (::fsync(place.folder.get()) != 0) throw cannot("sync the folder of", place, errno);
}

/// Removes the temporary unless it has arrived.
class Temporary {
 public:
  explicit Temporary(const Place& place) : place_(place), name_(temporary_name(place.path)) {
    remove_leftover(place);
  }
  ~Temporary() {
    if (!name_.empty()) remove_tree(place_.folder.get(), name_);
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;

  const char* name() const { return name_.c_str(); }

  void arrive(const Arrival& arrival) {
    if (arrival.check) arrival.check();
    unsigned flags = 0;
    if (arrival.replaces == Type::absent) flags = RENAME_NOREPLACE;
    // A directory cannot be renamed over, and nothing but a directory can be replaced by one.
    const bool swap =
        arrival.replaces == Type::directory || (arrival.replaces != Type::absent && is_directory());
    if (swap) flags = RENAME_EXCHANGE;
    const int folder = place_.folder.get();
    if (::renameat2(folder, name(), folder, place_.name.c_str(), flags) != 0) {
      if (errno == EEXIST) throw Stale("something appeared at '" + place_.path + "'");
      if (errno == ENOENT && swap) throw Stale("'" + place_.path + "' vanished");
      throw cannot("replace", place_, errno);
    }
    if (!swap) name_.clear();
    sync_folder(place_);
  }

 private:
  bool is_directory() const {
    struct stat st {};
    return ::fstatat(place_.folder.get(), name(), &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
  }

  const Place& place_;
  std::string name_;
};

}  // namespace

std::string temporary_name(std::string_view path) {
  const Sha256 digest = sha256(path);
  return ".gitopsd-" + to_hex(digest).substr(0, 24) + ".tmp";
}

void remove_leftover(const Place& place) {
  remove_tree(place.folder.get(), temporary_name(place.path));
}

void put_file(const Place& place, const Facts& wanted, const Secret& key,
              const std::function<void(const ContentSink&)>& produce, const Arrival& arrival,
              const std::function<void(std::string)>& ready) {
  Temporary temporary(place);
  Fd fd(::openat(place.folder.get(), temporary.name(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                 0600));
  if (!fd) throw cannot("write beside", place, errno);
  Hasher mac(key.reveal());
  produce([&](std::string_view bytes) {
    mac.update(bytes);
    write_all(fd.get(), bytes, place);
  });
  set_rights(fd.get(), wanted, place);
  if (::fsync(fd.get()) != 0) throw cannot("sync", place, errno);
  ready(to_hex(mac.finish()));
  temporary.arrive(arrival);
}

void put_symlink(const Place& place, const std::string& target, const Arrival& arrival) {
  Temporary temporary(place);
  if (::symlinkat(target.c_str(), place.folder.get(), temporary.name()) != 0)
    throw cannot("link", place, errno);
  temporary.arrive(arrival);
}

void put_directory(const Place& place, const Facts& wanted, const Arrival& arrival) {
  Temporary temporary(place);
  if (::mkdirat(place.folder.get(), temporary.name(), 0700) != 0) throw cannot("make", place, errno);
  {
    Fd fd(::openat(place.folder.get(), temporary.name(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) throw cannot("open", place, errno);
    set_rights(fd.get(), wanted, place);
    if (::fsync(fd.get()) != 0) throw cannot("sync", place, errno);
  }
  temporary.arrive(arrival);
}

void change_directory(const Place& place, const Facts& wanted) {
  Fd fd(::openat(place.folder.get(), place.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd && (errno == ENOTDIR || errno == ELOOP || errno == ENOENT))
    throw Stale("'" + place.path + "' is no directory any more");
  if (!fd) throw cannot("open", place, errno);
  set_rights(fd.get(), wanted, place);
  if (::fsync(fd.get()) != 0) throw cannot("sync", place, errno);
}

void remove_name(const Place& place) {
  if (::unlinkat(place.folder.get(), place.name.c_str(), 0) != 0 && errno != ENOENT)
    throw cannot("remove", place, errno);
  sync_folder(place);
}

void remove_directory(const Place& place, bool contents) {
  const int folder = place.folder.get();
  if (!contents) {
    if (::unlinkat(folder, place.name.c_str(), AT_REMOVEDIR) == 0) return sync_folder(place);
    if (errno == ENOTEMPTY || errno == EEXIST) throw Stale("'" + place.path + "' is not empty any more");
    throw cannot("remove", place, errno);
  }
  // Away from its path at once, so that nobody sees it half removed; a crash leaves a name that start
  // removes.
  remove_leftover(place);
  const std::string aside = temporary_name(place.path);
  if (::renameat2(folder, place.name.c_str(), folder, aside.c_str(), RENAME_NOREPLACE) != 0)
    throw cannot("move aside", place, errno);
  sync_folder(place);
  if (int error = remove_tree(folder, aside)) throw cannot("remove all of", place, error);
  sync_folder(place);
}

}  // namespace gitopsd::host
