// How a store is opened beyond its directory: what tests choose.
#pragma once

#include <string>

namespace gitopsd::store {

struct Options {
  std::string vfs;              ///< name of an SQLite VFS, or empty
  int checkpoint_pages = 4000;  ///< 16 MiB: more makes the writer's tail longer, less makes it frequent
};

}  // namespace gitopsd::store
