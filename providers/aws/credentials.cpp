#include "providers/aws/credentials.h"

#include <unistd.h>

#include <algorithm>

#include "base/file.h"
#include "base/log.h"
#include "base/problem.h"

namespace gitopsd::aws {
namespace {

using namespace std::chrono_literals;

/// Of those that do not expire: somebody may have written others meanwhile.
constexpr auto kKept = 60s;
/// Before their end: as botocore's advisory refresh does, or, where they live shorter, when half of it is
/// over.
constexpr WallMicros kRenewedBefore = 900'000'000;
/// While the old ones are valid, a source that does not answer is not asked again for each call.
constexpr auto kAskedAgainAfter = 60s;
constexpr std::size_t kLargestFile = 1 << 20;

Credentials find(const Settings& settings, const Surroundings& around) {
  const auto choice = profile_choice(settings, around.environment);
  // What the destination names comes before what the process was started with.
  if (!choice.explicit_)
    if (auto found = environment_credentials(around.environment)) return *std::move(found);
  if (auto found = profile_credentials(read_shared(choice), choice, settings, around))
    return *std::move(found);
  if (!choice.explicit_) {
    if (auto found = web_identity_credentials(settings, around)) return *std::move(found);
    if (auto found = container_credentials(around)) return *std::move(found);
    if (auto found = instance_credentials(around)) return *std::move(found);
  }
  throw fail(ProblemCause::destination,
             choice.explicit_
                 ? "profile '" + choice.name + "' gives no credentials (" + choice.credentials_file + ")"
                 : "there are no AWS credentials",
             choice.explicit_
                 ? "give it aws_access_key_id and aws_secret_access_key, or a role_arn"
                 : "name a profile of the shared files by `profile`, or set AWS_ACCESS_KEY_ID and "
                   "AWS_SECRET_ACCESS_KEY for the provider");
}

}  // namespace

CredentialChain::CredentialChain(Settings settings, Surroundings around)
    : settings_(std::move(settings)), around_(std::move(around)) {}

bool CredentialChain::is_valid() const {
  return found_ && (!found_->expires || around_.clock.wall() < *found_->expires);
}

bool CredentialChain::is_fresh() const {
  if (!is_valid()) return false;
  const auto now = around_.clock.monotonic();
  if (failed_at_ && now - *failed_at_ < kAskedAgainAfter) return true;
  return found_->expires ? around_.clock.wall() < renewed_from_ : now - found_at_ < kKept;
}

void CredentialChain::keep(Credentials found) {
  found_ = std::move(found);
  found_at_ = around_.clock.monotonic();
  failed_at_.reset();
  if (!found_->expires) return;
  const WallMicros lives = std::max<WallMicros>(*found_->expires - around_.clock.wall(), 0);
  renewed_from_ = *found_->expires - std::min(kRenewedBefore, lives / 2);
}

Credentials CredentialChain::get(bool afresh) {
  const std::lock_guard lock(mutex_);
  if (!afresh && is_fresh()) return *found_;
  try {
    keep(find(settings_, around_));
  } catch (const Failure& failure) {
    if (afresh || !is_valid()) throw;
    failed_at_ = around_.clock.monotonic();
    log::warning("cannot renew the AWS credentials, the old ones are still valid",
                 {{"error", failure.what()}});
  }
  return *found_;
}

ProfileChoice profile_choice(const Settings& settings, const Environment& environment) {
  const auto file = [&](const char* variable, const char* name) {
    const std::string named = environment(variable), home = environment("HOME");
    return !named.empty() ? named : home.empty() ? "" : home + "/.aws/" + name;
  };
  ProfileChoice out;
  out.explicit_ = !settings.profile.empty() || !settings.credentials.empty();
  out.credentials_file = settings.credentials.empty() ? file("AWS_SHARED_CREDENTIALS_FILE", "credentials")
                                                      : settings.credentials;
  out.config_file = file("AWS_CONFIG_FILE", "config");
  out.name = settings.profile.empty() ? environment("AWS_PROFILE") : settings.profile;
  if (out.name.empty()) out.name = "default";
  return out;
}

SharedConfig read_shared(const ProfileChoice& choice) {
  SharedConfig out;
  for (const auto& [path, kind] : {std::pair{choice.credentials_file, SharedFile::credentials},
                                   std::pair{choice.config_file, SharedFile::config}})
    if (!path.empty() && ::access(path.c_str(), F_OK) == 0)
      read_shared_file(read_file(path, kLargestFile), kind, path, out);
  return out;
}

std::optional<Credentials> environment_credentials(const Environment& environment) {
  Credentials found;
  found.access_key_id = environment("AWS_ACCESS_KEY_ID");
  found.secret_access_key = Secret(environment("AWS_SECRET_ACCESS_KEY"));
  found.session_token = Secret(environment("AWS_SESSION_TOKEN"));
  if (found.access_key_id.empty()) return std::nullopt;
  if (found.secret_access_key.empty())
    throw fail(ProblemCause::destination, "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not");
  return found;
}

}  // namespace gitopsd::aws
