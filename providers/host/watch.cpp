#include "providers/host/watch.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/log.h"
#include "providers/host/path.h"

namespace gitopsd::host {
namespace {

using namespace std::chrono_literals;

constexpr auto kCoalesce = 50ms;
constexpr std::size_t kMaxIds = 4096;  // more are told as `all`
constexpr std::uint32_t kMask = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_MODIFY |
                                IN_CLOSE_WRITE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr std::uint32_t kComesOrGoes = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;

std::string join(const std::string& folder, const std::string& name) {
  return folder == "/" ? "/" + name : folder + "/" + name;
}

}  // namespace

Watch::Watch(Handlers handlers, std::size_t max_folders)
    : handlers_(std::move(handlers)),
      max_folders_(max_folders),
      inotify_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)),
      wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (!inotify_ || !wake_) {
    log::warning("inotify is not available; drift is seen at the interval only",
                 {{"why", errno_text(errno)}});
    limited_ = true;
  }
  thread_ = std::thread([this] { loop(); });
}

Watch::~Watch() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  settled();
  thread_.join();
}

void Watch::settled() {
  std::uint64_t one = 1;
  [[maybe_unused]] auto n = ::write(wake_.get(), &one, sizeof one);
}

std::size_t Watch::folders() const {
  std::lock_guard lock(mutex_);
  return folders_.size();
}

void Watch::add(const std::string& application, const std::string& prefix, const std::string& path) {
  std::lock_guard lock(mutex_);
  auto [it, fresh] = watched_.insert_or_assign(path, Watched{application, prefix});
  arm(path, it->second);
}

void Watch::remove(const std::string& path) {
  std::lock_guard lock(mutex_);
  watched_.erase(path);
}

// Every folder from the prefix down, since a folder that is moved away tells its own parent only.
void Watch::arm(const std::string& path, const Watched& watched) {
  const std::string folder = parent_of(path);
  if (path == watched.prefix) {
    arm_folder(folder, folder);
    return;
  }
  if (!arm_folder(watched.prefix, watched.prefix)) return;
  for (auto end = watched.prefix == "/" ? 0 : watched.prefix.size(); end < folder.size();) {
    end = std::min(folder.find('/', end + 1), folder.size());
    if (!arm_folder(watched.prefix, folder.substr(0, end))) return;
  }
}

bool Watch::arm_folder(const std::string& prefix, const std::string& folder) {
  if (folders_.contains(folder)) return true;
  if (folders_.size() >= max_folders_ || !inotify_) {
    limit_reached(ENOSPC);
    return false;
  }
  try {
    Fd fd = open_directory(prefix);
    if (folder != prefix) fd = open_beneath(fd.get(), relative_to(folder, prefix), O_RDONLY | O_DIRECTORY);
    // By descriptor: the name could lead elsewhere by now.
    const int wd =
        ::inotify_add_watch(inotify_.get(), ("/proc/self/fd/" + std::to_string(fd.get())).c_str(), kMask);
    if (wd < 0) {
      limit_reached(errno);
      return false;
    }
    folders_[folder] = wd;
    by_descriptor_[wd] = folder;
    return true;
  } catch (const std::system_error&) {
    return false;  // not there yet: the watch on the folder above tells when it comes
  }
}

void Watch::limit_reached(int error) {
  if (limited_) return;
  limited_ = true;
  all_ = true;
  settled();
  log::warning("no more folders can be watched; changes in some are seen at the interval only",
               {{"why", errno_text(error)}, {"hint", "raise fs.inotify.max_user_watches"}});
}

void Watch::loop() {
  for (;;) {
    int timeout = -1;
    {
      std::lock_guard lock(mutex_);
      if (stop_) return;
      if (quiet_until_) {
        auto left = std::chrono::ceil<std::chrono::milliseconds>(*quiet_until_ - Monotonic::now());
        timeout = std::max(0, static_cast<int>(left.count()));
      }
    }
    pollfd fds[2] = {{inotify_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
    ::poll(fds, 2, timeout);
    std::uint64_t drained = 0;
    [[maybe_unused]] auto n = ::read(wake_.get(), &drained, sizeof drained);
    if (fds[0].revents) read_events();
    flush();
  }
}

void Watch::read_events() {
  alignas(inotify_event) char buffer[64u << 10];
  std::lock_guard lock(mutex_);
  for (;;) {
    ssize_t n = ::read(inotify_.get(), buffer, sizeof buffer);
    if (n <= 0) return;
    for (ssize_t at = 0; at < n;) {
      inotify_event event;
      std::memcpy(&event, buffer + at, sizeof event);
      const char* name = buffer + at + sizeof event;
      on_event(event.wd, event.mask,
               event.len ? std::string(name, ::strnlen(name, event.len)) : std::string());
      at += static_cast<ssize_t>(sizeof event + event.len);
    }
  }
}

void Watch::on_event(int wd, std::uint32_t mask, const std::string& name) {
  if (mask & IN_Q_OVERFLOW) return overflow();
  auto found = by_descriptor_.find(wd);
  if (found == by_descriptor_.end()) return;
  const std::string folder = found->second;
  if (mask & (IN_IGNORED | IN_UNMOUNT | IN_DELETE_SELF | IN_MOVE_SELF)) return mark_beneath(folder, true);
  const std::string path = join(folder, name);
  if (watched_.contains(path)) dirty_.insert(path);
  if ((mask & kComesOrGoes) && (mask & IN_ISDIR)) mark_beneath(path, true);
}

void Watch::overflow() {
  log::warning("inotify's queue overflowed; everything is looked at");
  all_ = true;
  limited_ = false;
  drop_folders("/");
  for (const auto& [path, watched] : watched_) arm(path, watched);
}

/// Everything beneath a folder that came, went or lost its watch; `rearm` sets the watches anew.
void Watch::mark_beneath(const std::string& folder, bool rearm) {
  drop_folders(folder);
  for (auto it = watched_.lower_bound(folder == "/" ? folder : folder + "/");
       it != watched_.end() && is_beneath(it->first, folder); ++it) {
    dirty_.insert(it->first);
    if (rearm) arm(it->first, it->second);
  }
}

void Watch::drop_folders(const std::string& folder) {
  for (auto it = folders_.lower_bound(folder); it != folders_.end();) {
    if (it->first != folder && !is_beneath(it->first, folder)) {
      if (!it->first.starts_with(folder)) break;
      ++it;
      continue;
    }
    ::inotify_rm_watch(inotify_.get(), it->second);
    by_descriptor_.erase(it->second);
    it = folders_.erase(it);
  }
}

void Watch::flush() {
  std::set<std::string> paths;
  bool all = false;
  {
    std::lock_guard lock(mutex_);
    if (quiet_until_ && Monotonic::now() < *quiet_until_) return;
    quiet_until_.reset();
    paths.swap(dirty_);
    all = std::exchange(all_, false);
  }
  if (all) handlers_.changed({}, {}, true);
  if (!all && !paths.empty()) return tell(paths);
  if (!all) return;
  std::lock_guard lock(mutex_);
  quiet_until_ = Monotonic::now() + kCoalesce;
}

void Watch::tell(const std::set<std::string>& paths) {
  std::map<std::string, std::vector<ResourceId>> by_application;
  std::set<std::string> busy;
  std::size_t count = 0;
  for (const auto& path : paths) {
    Watched watched;
    {
      std::lock_guard lock(mutex_);
      auto found = watched_.find(path);
      if (found == watched_.end()) continue;
      watched = found->second;
    }
    const ResourceId id = id_of(path);
    const Verdict verdict = handlers_.judge(id, watched.prefix, path);
    if (verdict == Verdict::busy) busy.insert(path);
    if (verdict != Verdict::changed) continue;
    by_application[watched.application].push_back(id);
    ++count;
  }
  if (count > kMaxIds)
    handlers_.changed({}, {}, true);
  else
    for (auto& [application, ids] : by_application) handlers_.changed(application, std::move(ids), false);
  std::lock_guard lock(mutex_);
  dirty_.merge(busy);
  if (count > 0) quiet_until_ = Monotonic::now() + kCoalesce;
}

}  // namespace gitopsd::host
