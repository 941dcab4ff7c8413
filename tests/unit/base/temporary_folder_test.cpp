#include "base/temporary_folder.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include "base/problem.h"

namespace gitopsd {

namespace fs = std::filesystem;

TEST_CASE("a temporary folder is new, nobody else's, and goes with what is in it") {
  const auto beginning = in_temporary_directory("gitopsd-temporary-");
  std::optional<TemporaryFolder> one(beginning), two(beginning);
  CHECK(one->path() != two->path());
  CHECK(one->path().starts_with(beginning));
  CHECK(fs::status(one->path()).permissions() == fs::perms::owner_all);
  fs::create_directories(one->path() + "/a/b");
  std::ofstream(one->path() + "/a/b/c") << "text";
  const std::string path = one->path();
  one.reset();
  CHECK_FALSE(fs::exists(path));
  CHECK(fs::exists(two->path()));
  CHECK_THROWS_WITH_AS(TemporaryFolder(two->path() + "/none/"),
                       doctest::Contains((two->path() + "/none/").c_str()), Failure);
}

}  // namespace gitopsd
