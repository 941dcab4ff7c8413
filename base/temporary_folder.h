// A folder for as long as something needs it.
#pragma once

#include <string>

namespace gitopsd {

/// Made new, for this user alone, and removed with whatever is in it then.
class TemporaryFolder {
 public:
  /// `beginning` is that of its path: "/tmp/gitopsd-". Throws Failure (cause transient) naming the path.
  explicit TemporaryFolder(const std::string& beginning);
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// The beginning of one where programs keep such folders; `name` says whose it is: "gitopsd-check-".
std::string in_temporary_directory(const std::string& name);

}  // namespace gitopsd
