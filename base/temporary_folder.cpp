#include "base/temporary_folder.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "base/file.h"
#include "base/problem.h"

namespace gitopsd {

namespace fs = std::filesystem;

TemporaryFolder::TemporaryFolder(const std::string& beginning) : path_(beginning + "XXXXXX") {
  if (::mkdtemp(path_.data()) == nullptr)
    throw fail(ProblemCause::transient, "cannot make a folder " + path_ + ": " + errno_text(errno));
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string in_temporary_directory(const std::string& name) {
  return (fs::temp_directory_path() / name).string();
}

}  // namespace gitopsd
