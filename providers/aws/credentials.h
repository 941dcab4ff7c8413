// Whose requests they are: AWS's usual places for credentials, in their order.
// https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "providers/aws/settings.h"
#include "providers/aws/signature.h"

namespace gitopsd::aws {

/// Thread-safe.
class CredentialChain {
 public:
  CredentialChain(const Settings&, const Clock&);

  /// Read again when a minute has passed, or `afresh`. Throws Failure that says where was looked.
  Credentials get(bool afresh = false);

 private:
  Credentials find() const;
  std::optional<Credentials> from_environment() const;
  std::optional<Credentials> from_shared_files() const;

  const Settings settings_;
  const Clock& clock_;
  std::mutex mutex_;
  std::optional<Credentials> found_;
  Monotonic::time_point found_at_{};
};

}  // namespace gitopsd::aws
