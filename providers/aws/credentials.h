// Whose requests they are: AWS's usual places for credentials, in their order, renewed before they expire.
// https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "providers/aws/environment.h"
#include "providers/aws/settings.h"
#include "providers/aws/shared_config.h"
#include "providers/aws/signature.h"

namespace gitopsd::aws {

/// What sources of credentials need of the world.
struct Surroundings {
  const Clock& clock;
  Environment environment;
  Fetch fetch;
};

/// Thread-safe.
class CredentialChain {
 public:
  CredentialChain(Settings, Surroundings);

  /// What was found is kept for a minute, or, where it expires, until some minutes before; `afresh`: looked
  /// for again. While it is still valid, it outlives a source that does not answer, which is asked again each
  /// minute. Throws Failure that says where was looked and what was wrong there.
  Credentials get(bool afresh = false);

 private:
  bool is_valid() const;
  bool is_fresh() const;
  void keep(Credentials);

  const Settings settings_;
  const Surroundings around_;
  std::mutex mutex_;
  std::optional<Credentials> found_;
  Monotonic::time_point found_at_{};
  WallMicros renewed_from_ = 0;                     ///< of those that expire
  std::optional<Monotonic::time_point> failed_at_;  ///< the last time, since they were found
};

/// Where the shared files are, and which profile is meant.
struct ProfileChoice {
  std::string credentials_file, config_file, name;
  bool explicit_ = false;  ///< the settings name it: it has to have credentials
};
ProfileChoice profile_choice(const Settings&, const Environment&);
/// Both files, where they are there. Throws Failure (input) that names the line.
SharedConfig read_shared(const ProfileChoice&);

// The sources, a file or so each. Each answers nullopt where it is not set up, and throws Failure where it is
// and gives none.
std::optional<Credentials> environment_credentials(const Environment&);
/// Whatever the profile says: keys, a role by way of another profile or source, a web identity, SSO, a
/// program.
std::optional<Credentials> profile_credentials(const SharedConfig&, const ProfileChoice&, const Settings&,
                                               const Surroundings&);
/// A role for a token in a file (AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN, as in a Pod of EKS).
std::optional<Credentials> web_identity_credentials(const Settings&, const Surroundings&);
/// Of ECS and EKS Pod Identity.
std::optional<Credentials> container_credentials(const Surroundings&);
/// Of an EC2 instance (IMDSv2).
std::optional<Credentials> instance_credentials(const Surroundings&);

}  // namespace gitopsd::aws
