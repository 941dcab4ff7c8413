// A folder of the test's own, and a clock that it sets.
#pragma once

#include <string>

#include "base/clock.h"

namespace gitopsd::kubernetes {

/// Removed at the end.
class Folder {
 public:
  Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder();

  std::string at(const std::string& name) const { return root_ + "/" + name; }
  /// As a new file, as rotation does it. Makes the folders above; returns the path.
  std::string write(const std::string& name, const std::string& bytes, mode_t mode = 0600) const;
  /// A shell script.
  std::string script(const std::string& name, const std::string& body) const;
  std::string read(const std::string& name) const;

 private:
  std::string root_;
};

class SetClock : public Clock {
 public:
  WallMicros wall() const override { return wall_micros; }
  Monotonic::time_point monotonic() const override {
    return Monotonic::time_point(std::chrono::microseconds(wall_micros));
  }
  void pass(std::chrono::seconds time) { wall_micros += time.count() * 1'000'000; }
  WallMicros wall_micros = 1'795'521'600'000'000;  ///< 2026-11-24T12:00:00Z
};

}  // namespace gitopsd::kubernetes
