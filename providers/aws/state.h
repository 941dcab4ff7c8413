// What all calls of the provider share.
#pragma once

#include <mutex>
#include <string>

#include "providers/aws/cloudformation.h"
#include "providers/aws/ledger.h"
#include "providers/aws/receipt.h"
#include "providers/aws/s3.h"

namespace gitopsd::aws {

class State {
 public:
  /// `folder`: of the provider's own, where it keeps what it remembers.
  State(const Settings& settings, Secret key, const std::string& folder)
      : client(settings, system_clock()),
        cloudformation(client),
        s3(client),
        digests(std::move(key)),
        ledgers(folder + "/content") {}

  /// That the credentials are of the destination's account: before anything else, and again for others.
  /// Throws Failure.
  void check_account(const Cancelled&);

  Client client;
  CloudFormation cloudformation;
  S3 s3;
  const Digests digests;
  Ledgers ledgers;

 private:
  std::mutex mutex_;
  std::string checked_;  ///< the access key that was found to be of it
};

}  // namespace gitopsd::aws
