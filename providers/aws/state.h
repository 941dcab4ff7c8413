// What all calls of the provider share.
#pragma once

#include <mutex>
#include <string>

#include "providers/aws/cloudformation.h"
#include "providers/aws/receipt.h"

namespace gitopsd::aws {

class State {
 public:
  State(const Settings& settings, Secret key)
      : client(settings, system_clock()), cloudformation(client), digests(std::move(key)) {}

  /// That the credentials are of the destination's account: before anything else, and again for others.
  /// Throws Failure.
  void check_account(const Cancelled&);

  Client client;
  CloudFormation cloudformation;
  const Digests digests;

 private:
  std::mutex mutex_;
  std::string checked_;  ///< the access key that was found to be of it
};

}  // namespace gitopsd::aws
