// Hears of changes through inotify(7). Watches are on folders, since editors replace files.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/types.h"

namespace gitopsd::host {

class Watch {
 public:
  enum class Verdict {
    ours,     ///< it is as we left it: no news
    changed,  ///< tell it
    busy,     ///< a step of ours is at it: ask again when that has ended
  };
  struct Handlers {
    /// Runs on the watch's thread and may block.
    std::function<Verdict(const ResourceId& id, const std::string& prefix, const std::string& path)> judge;
    /// `all`: anything may have changed, of any application; then the others are empty.
    std::function<void(const std::string& application, std::vector<ResourceId> ids, bool all)> changed;
  };
  /// `max_folders` lowers the system's limit, for tests.
  explicit Watch(Handlers handlers, std::size_t max_folders = SIZE_MAX);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  /// From now on changes at `path` are told.
  void add(const std::string& application, const std::string& prefix, const std::string& path);
  void remove(const std::string& path);
  /// A step of ours has ended.
  void settled();
  std::size_t folders() const;

 private:
  struct Watched {
    std::string application, prefix;
  };

  void loop();
  void read_events();
  void on_event(int wd, std::uint32_t mask, const std::string& name);
  void overflow();
  void mark_beneath(const std::string& folder, bool rearm);
  void drop_folders(const std::string& folder);
  void arm(const std::string& path, const Watched& watched);
  bool arm_folder(const std::string& prefix, const std::string& folder);
  void limit_reached(int error);
  void flush();
  void tell(const std::set<std::string>& paths);

  Handlers handlers_;
  std::size_t max_folders_;
  Fd inotify_, wake_;
  mutable std::mutex mutex_;
  std::map<std::string, Watched> watched_;  // by path
  std::map<std::string, int> folders_;      // watched folders
  std::map<int, std::string> by_descriptor_;
  std::set<std::string> dirty_;          // paths to be judged
  std::optional<Deadline> quiet_until_;  // coalescing: nothing is told before
  bool all_ = false, limited_ = false, stop_ = false;
  std::thread thread_;
};

}  // namespace gitopsd::host
