#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "daemon/source/mirror.h"
#include "tests/unit/source/fixture.h"

namespace gitopsd::source {

TEST_CASE("lock files that a killed process left do not stop the next") {
  namespace fs = std::filesystem;
  const test::Folder own;
  const fs::path folder = own / "mirrors";
  open_mirror(folder.string());
  const fs::path lock = folder / "1.git" / "refs" / "gitopsd" / "follow" / "x.lock";
  fs::create_directories(lock.parent_path());
  std::ofstream(lock) << "0123";
  REQUIRE(fs::exists(lock));
  open_mirror(folder.string());
  CHECK_FALSE(fs::exists(lock));
}

}  // namespace gitopsd::source
