// A small secret file that somebody else replaces from time to time.
#pragma once

#include <sys/types.h>

#include <ctime>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/secret.h"

namespace gitopsd::kubernetes {

/// What another content of a file cannot share with the one before.
struct FileMark {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = -1;
  timespec changed{};
  /// Of a file that is not there, what no file has.
  static FileMark of(const std::string& path);
  bool operator==(const FileMark&) const;
};

/// Not safe for several threads.
class RotatedFile {
 public:
  /// What is wrong with a content, or empty.
  using Check = std::function<std::string(std::string_view)>;
  RotatedFile(std::string path, Check check) : path_(std::move(path)), check_(std::move(check)) {}

  /// Read again when the file is another one than before, when a minute has passed, or `afresh`. Where that
  /// fails the last good content stays (one warning is logged). Throws Failure while there has been none.
  const Secret& read(Monotonic::time_point now, bool afresh = false);

 private:
  void warn_once(const std::string& what);

  std::string path_;
  Check check_;
  Secret content_;
  bool good_ = false;
  std::string warned_;
  FileMark mark_;
  Monotonic::time_point read_at_{};
};

}  // namespace gitopsd::kubernetes
