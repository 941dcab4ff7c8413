#include "providers/kubernetes/key.h"

#include <sys/stat.h>

#include <cerrno>

#include "base/file.h"
#include "base/hash.h"
#include "base/problem.h"

namespace gitopsd::kubernetes {
namespace {

constexpr std::size_t kKeyLength = 32;

}  // namespace

Secret load_key(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    throw fail(ProblemCause::destination,
               "cannot make the state directory '" + directory + "': " + errno_text(errno));
  const std::string path = directory + "/key";
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0 && errno == ENOENT)
    write_file_atomically(path, random_bytes(kKeyLength));
  std::string key = read_file(path, 4096);
  if (key.size() != kKeyLength)
    throw fail(ProblemCause::destination, "'" + path + "' is damaged",
               "remove it; everything is then compared by dry runs once more");
  return Secret(std::move(key));
}

}  // namespace gitopsd::kubernetes
