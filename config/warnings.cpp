// What a configuration may say, and should not.
#include <pwd.h>
#include <sys/stat.h>

#include <cstdio>
#include <filesystem>

#include "config/quote.h"
#include "config/reader.h"

namespace gitopsd::config {
namespace {

namespace fs = std::filesystem;

Problem warning(const Place& place, std::string message, std::string hint) {
  return {ProblemCause::input, std::move(message), std::move(hint), place.file, place.position};
}

/// The file's mode where everybody on this host can read it, as far as that can be seen; else empty.
std::string open_mode(const std::string& file) {
  struct stat st {};
  if (file.empty() || ::stat(file.c_str(), &st) != 0 || (st.st_mode & S_IROTH) == 0) return {};
  char mode[8];
  std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(st.st_mode & 07777));
  return mode;
}

bool is_user(const std::string& name) {
  std::string buffer(16u << 10, '\0');
  passwd entry{};
  passwd* found = nullptr;
  // Whoever cannot be looked up now may be there all the same.
  return ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found != nullptr;
}

bool says_nothing(const Value& policy) {
  return policy.is_null() || (policy.is_object() && policy.as_object().empty());
}

}  // namespace

std::vector<Problem> Reader::warnings(const Config& config) const {
  std::vector<Problem> found;
  for (const auto& named : secrets_) {
    const std::string& file = named.secret.file;
    const auto mode = open_mode(file);
    if (mode.empty()) continue;
    found.push_back(warning(
        named.place,
        named.path + ": everybody on this host can read the secret in " + file + ", whose mode is " + mode,
        "it should be 0600: chmod 0600 " + file + ", owned by the daemon's user"));
  }
  for (const auto& named : files_) {
    if (named.path != "server.tls.key") continue;
    const auto mode = open_mode(named.file);
    if (mode.empty()) continue;
    found.push_back(warning(named.place,
                            named.path + ": everybody on this host can read the private key in " +
                                named.file + ", whose mode is " + mode,
                            "it should be 0640, of the daemon's group: chmod 0640 " + named.file));
  }
  for (const auto& named : users_) {
    if (!is_user(named.name))
      found.push_back(warning(
          named.place, named.path + ": there is no user " + in_quotes(named.name) + " on this host", ""));
  }
  if (const auto socket = set_.find("api.socket"); socket != set_.end()) {
    const auto folder = fs::path(config.api.socket).parent_path();
    std::error_code ignored;
    if (!fs::exists(folder, ignored) && !fs::exists(folder.parent_path(), ignored))
      found.push_back(warning(socket->second,
                              "api.socket: there is no folder " + folder.parent_path().string() +
                                  " to make " + folder.string() + " in",
                              "make it, or choose another place for the socket"));
  }
  for (const auto& application : config.applications) {
    if (!says_nothing(application.policy)) continue;
    found.push_back(warning(
        {application.file, application.position},
        "application " + application.name.str() +
            " has no policy, and without one it may change nothing at its destination",
        "say under `policy` what it may, such as `paths: [/srv/www]` on a host, `namespaces: [shop]` in a "
        "cluster, or `stacks: [web-*]` in AWS"));
  }
  if (config.hooks.empty() && config.repositories.empty() && config.destinations.empty() &&
      config.applications.empty()) {
    found.push_back(warning({config.file, {1, 1}}, "nothing is configured, so that nothing will happen",
                            "it takes server, hooks, repositories, destinations and applications; "
                            "gitopsd.yaml.example shows each"));
  }
  return found;
}

}  // namespace gitopsd::config
