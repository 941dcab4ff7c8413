// The disk that forgets, as an SQLite VFS.
#pragma once

#include <memory>
#include <string>

#include "tests/integration/powercut/disk.h"

namespace gitopsd::powercut {

/// Registers the disk with SQLite as long as it lives; no connection may outlive it.
class Vfs {
 public:
  explicit Vfs(Disk& disk);
  ~Vfs();
  Vfs(const Vfs&) = delete;
  const std::string& name() const;

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace gitopsd::powercut
