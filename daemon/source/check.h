// Whether a depot is sound, as far as can be told in milliseconds; the rest shows when an object is read,
// since every read compares the object with its hash.
#pragma once

#include <string>
#include <vector>

#include "daemon/source/depot.h"

namespace gitopsd::source {

struct PackFile {
  std::string stem;  ///< path without ".pack"
  std::uint64_t bytes = 0;
};
/// The depot's packs, smallest first.
std::vector<PackFile> pack_files(const std::string& depot_path);

/// Removes what an indexing left that was cut off.
void remove_leftovers(const std::string& depot_path);

/// Empty: nothing is wrong. Otherwise what is.
std::string find_damage(Depot&);

}  // namespace gitopsd::source
