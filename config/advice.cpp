#include "config/advice.h"

#include <sys/stat.h>

#include <cstdio>

namespace gitopsd::config {
namespace {

void look_at(const SecretRef& secret, const std::string& whose, std::vector<Problem>& found) {
  struct stat st {};
  if (secret.file.empty() || ::stat(secret.file.c_str(), &st) != 0 || (st.st_mode & S_IROTH) == 0) return;
  char mode[8];
  std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(st.st_mode & 07777));
  found.push_back(
      {ProblemCause::input,
       whose + ": everybody on this host can read the secret in " + secret.file + ", whose mode is " + mode,
       "it should be 0600: chmod 0600 " + secret.file + ", owned by the daemon's user",
       {},
       {}});
}

}  // namespace

std::vector<Problem> open_secrets(const Config& config) {
  std::vector<Problem> found;
  for (const auto& hook : config.hooks) {
    for (const auto& secret : hook.secrets) look_at(secret, "hook " + hook.name.str(), found);
  }
  for (const auto& repository : config.repositories) {
    for (const auto& secret : {repository.token, repository.ssh_key}) {
      if (secret) look_at(*secret, "repository " + repository.name.str(), found);
    }
  }
  return found;
}

}  // namespace gitopsd::config
