#include "providers/protocol/state_folder.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>

#include "base/file.h"
#include "base/hash.h"
#include "base/problem.h"

namespace gitopsd::protocol {
namespace {

constexpr std::size_t kKeyBytes = 32;

}  // namespace

std::string state_folder(const InitializeRequest& request) {
  const char* unit = std::getenv("STATE_DIRECTORY");
  std::string folder = unit ? std::string(unit) : request.state_directory;
  if (const auto colon = folder.find(':'); unit && colon != std::string::npos) folder.resize(colon);
  if (folder.empty())
    throw fail(ProblemCause::input, "this provider needs a directory for its state",
               "set StateDirectory= in its unit, or send `stateDirectory` in initialize");
  return folder;
}

Secret load_state_key(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    throw fail(ProblemCause::destination,
               "cannot make the state directory '" + folder + "': " + errno_text(errno));
  const std::string path = folder + "/key";
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0 && errno == ENOENT) write_file_atomically(path, random_bytes(kKeyBytes));
  std::string key = read_file(path, 4096);
  if (key.size() != kKeyBytes)
    throw fail(ProblemCause::destination, "'" + path + "' is damaged",
               "remove it; everything is then compared with the live state once more");
  return Secret(std::move(key));
}

}  // namespace gitopsd::protocol
