// What makes an installation: its directory, of which one daemon at a time is the owner, and its key.
#pragma once

#include <string>

#include "base/file.h"
#include "base/secret.h"
#include "daemon/store/connection.h"

namespace gitopsd::store {

/// Creates the directory (0700) where it is missing and takes flock(2) on DIR/lock. Throws Failure when
/// another process has it.
Fd lock_directory(const std::string& directory);

struct Identity {
  std::string installation;
  Secret key;
};

/// Reads or, for a database without one, makes DIR/store.key and the installation's UUID, or takes `wanted`.
/// Throws Failure when the key is missing or is not the one that the database was used with, and when the
/// database is not `wanted`.
Identity load_identity(const std::string& directory, Connection& connection, const std::string& wanted);

}  // namespace gitopsd::store
