// The tables, their version, and what is checked before a database is used.
#pragma once

#include <string>

#include "daemon/store/connection.h"

namespace gitopsd::store {

inline constexpr int kSchemaVersion = 4;

/// Refuses, by its header alone, a file that is no database of ours; a missing or empty file is fine.
/// Throws Failure that says what to do.
void check_header(const std::string& path);
/// Creates or migrates the tables, each version in a transaction of its own. Throws Failure for a newer
/// schema, a foreign database, or tables that are not as this version left them.
void migrate(Connection& connection, const std::string& path);
/// What to do about a database that cannot be used.
std::string restore_hint(const std::string& path);

}  // namespace gitopsd::store
