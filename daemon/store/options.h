// How a store is opened beyond its directory.
#pragma once

#include <string>

namespace gitopsd::store {

struct Options {
  std::string vfs;              ///< name of an SQLite VFS, or empty
  int checkpoint_pages = 4000;  ///< 16 MiB: more makes the writer's tail longer, less makes it frequent
  std::string installation{};   ///< of a new store; empty: one of its own
};

}  // namespace gitopsd::store
