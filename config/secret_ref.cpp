#include <cstdlib>

#include "base/file.h"
#include "config/config.h"

namespace gitopsd::config {
namespace {

constexpr std::size_t kMostBytes = 64u << 10;

Secret without_last_newline(std::string bytes) {
  Secret whole(std::move(bytes));
  auto text = whole.reveal();
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return Secret(std::string(text));
}

std::string credential_path(const std::string& name) {
  const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
  if (directory == nullptr || *directory == '\0') {
    throw fail(ProblemCause::input, "credential " + name + " cannot be read: this process has no credentials",
               "let systemd start it, with LoadCredential=" + name + ":PATH in the unit");
  }
  return std::string(directory) + "/" + name;
}

Secret from_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) {
    throw fail(ProblemCause::input, "environment variable " + name + " is not set",
               "set it before the start");
  }
  return without_last_newline(value);
}

}  // namespace

std::string SecretRef::str() const {
  if (!credential.empty()) return "credential " + credential;
  if (!file.empty()) return "file " + file;
  return "environment variable " + environment;
}

Secret SecretRef::resolve() const {
  if (!environment.empty()) return from_environment(environment);
  return without_last_newline(read_file(path(), kMostBytes));
}

std::string SecretRef::path() const {
  if (!credential.empty()) return credential_path(credential);
  if (!file.empty()) return file;
  throw fail(ProblemCause::input, str() + " is no file", "name a file or a credential");
}

}  // namespace gitopsd::config
