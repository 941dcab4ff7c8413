// What a destination of AWS is: an account and a region, and how it is reached.
#pragma once

#include <map>
#include <string>

#include "base/value.h"
#include "providers/aws/environment.h"

namespace gitopsd::aws {

/// How AWS's services are reached, beside their region.
/// https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html, feature-endpoints.html
struct Endpoints {
  std::string all;                                             ///< a URL for every service; empty: AWS's own
  std::map<std::string, std::string, std::less<>> of_service;  ///< by the service's id; comes before `all`
  bool fips = false;                                           ///< those validated by FIPS 140
  bool dual_stack = false;                                     ///< those with IPv6
};

/// Where what templates name of their repository is uploaded.
struct ArtifactsPlace {
  std::string bucket;  ///< empty: nowhere
  std::string prefix;  ///< empty, or with a slash at its end
};

struct Settings {
  std::string region;
  std::string account;      ///< twelve digits; compared with whose the credentials are, before anything else
  std::string profile;      ///< of the shared files; empty: the environment's, else "default"
  std::string credentials;  ///< a shared credentials file; empty: where AWS's tools look for it
  ArtifactsPlace artifacts{};
  Endpoints endpoints;
};

/// With what the environment and the profile say of endpoints, where the settings do not. Throws
/// protocol::SettingsRefused with all that is wrong.
Settings read_settings(const Value&, const Environment& = process_environment);

/// Whether it has the form of a region's name: `eu-central-1`, `us-gov-west-1`, `eusc-de-east-1`.
bool is_region(std::string_view);

}  // namespace gitopsd::aws
