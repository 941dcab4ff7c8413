// What a destination of AWS is: an account and a region, and how it is reached.
#pragma once

#include <string>

#include "base/value.h"

namespace gitopsd::aws {

struct Settings {
  std::string region;
  std::string account;      ///< twelve digits; compared with whose the credentials are, before anything else
  std::string profile;      ///< of the shared files; empty: the environment's, else "default"
  std::string credentials;  ///< a shared credentials file; empty: where AWS's tools look for it
  std::string endpoint;     ///< for all services, instead of AWS's own; empty: AWS_ENDPOINT_URL or AWS's
};

/// Throws protocol::SettingsRefused with all that is wrong.
Settings read_settings(const Value&);

/// Whether it has the form of a region's name: `eu-central-1`, `us-gov-west-1`.
bool is_region(std::string_view);

}  // namespace gitopsd::aws
