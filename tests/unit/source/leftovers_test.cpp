#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "daemon/source/mirror.h"

namespace gitopsd::source {

TEST_CASE("lock files that a killed process left do not stop the next") {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / ("gitopsd-leftovers-" + std::to_string(::getpid()));
  fs::remove_all(folder);
  open_mirror(folder.string());
  const fs::path lock = folder / "1.git" / "refs" / "gitopsd" / "follow" / "x.lock";
  fs::create_directories(lock.parent_path());
  std::ofstream(lock) << "0123";
  REQUIRE(fs::exists(lock));
  open_mirror(folder.string());
  CHECK_FALSE(fs::exists(lock));
  fs::remove_all(folder);
}

}  // namespace gitopsd::source
