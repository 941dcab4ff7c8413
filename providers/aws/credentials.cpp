#include "providers/aws/credentials.h"

#include <unistd.h>

#include <cstdlib>

#include "base/file.h"
#include "base/problem.h"
#include "providers/aws/shared_config.h"

namespace gitopsd::aws {
namespace {

using namespace std::chrono_literals;

/// Somebody may have written others meanwhile.
constexpr auto kKept = 60s;
constexpr std::size_t kLargestFile = 1 << 20;

std::string environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  return value ? value : "";
}

std::string shared_file(const char* variable, const std::string& name) {
  const std::string named = environment(variable), home = environment("HOME");
  if (!named.empty()) return named;
  return home.empty() ? "" : home + "/.aws/" + name;
}

Profile profile_in(const std::string& path, SharedFile kind, const std::string& name) {
  if (path.empty() || ::access(path.c_str(), F_OK) != 0) return {};
  const auto profiles = read_profiles(read_file(path, kLargestFile), kind, path);
  const auto found = profiles.find(name);
  return found == profiles.end() ? Profile{} : found->second;
}

std::string member(const Profile& profile, std::string_view key) {
  const auto found = profile.find(key);
  return found == profile.end() ? std::string() : found->second;
}

}  // namespace

CredentialChain::CredentialChain(const Settings& settings, const Clock& clock)
    : settings_(settings), clock_(clock) {}

Credentials CredentialChain::get(bool afresh) {
  const std::lock_guard lock(mutex_);
  const auto now = clock_.monotonic();
  if (!found_ || afresh || now - found_at_ > kKept) {
    found_ = find();
    found_at_ = now;
  }
  return *found_;
}

Credentials CredentialChain::find() const {
  // What the destination names comes before what the process was started with.
  if (settings_.profile.empty() && settings_.credentials.empty())
    if (auto found = from_environment()) return *std::move(found);
  if (auto found = from_shared_files()) return *std::move(found);
  throw fail(
      ProblemCause::destination, "there are no AWS credentials",
      "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or put a profile into the shared credentials file, "
      "and name it by `profile`");
}

std::optional<Credentials> CredentialChain::from_environment() const {
  Credentials found;
  found.access_key_id = environment("AWS_ACCESS_KEY_ID");
  found.secret_access_key = Secret(environment("AWS_SECRET_ACCESS_KEY"));
  found.session_token = Secret(environment("AWS_SESSION_TOKEN"));
  if (found.access_key_id.empty()) return std::nullopt;
  if (found.secret_access_key.empty())
    throw fail(ProblemCause::destination, "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not");
  return found;
}

std::optional<Credentials> CredentialChain::from_shared_files() const {
  std::string name = settings_.profile;
  if (name.empty()) name = environment("AWS_PROFILE");
  if (name.empty()) name = "default";
  const std::string path = settings_.credentials.empty()
                               ? shared_file("AWS_SHARED_CREDENTIALS_FILE", "credentials")
                               : settings_.credentials;
  Profile profile = profile_in(path, SharedFile::credentials, name);
  profile.merge(profile_in(shared_file("AWS_CONFIG_FILE", "config"), SharedFile::config, name));
  Credentials found;
  found.access_key_id = member(profile, "aws_access_key_id");
  found.secret_access_key = Secret(member(profile, "aws_secret_access_key"));
  found.session_token = Secret(member(profile, "aws_session_token"));
  if (!found.access_key_id.empty() && !found.secret_access_key.empty()) return found;
  if (settings_.profile.empty() && settings_.credentials.empty()) return std::nullopt;
  throw fail(ProblemCause::destination, "profile '" + name + "' has no credentials (" + path + ")",
             "give it aws_access_key_id and aws_secret_access_key");
}

}  // namespace gitopsd::aws
