#include "providers/aws/state.h"

namespace gitopsd::aws {

void State::check_account(const Cancelled& cancelled) {
  const std::string key = client.access_key_id();
  {
    const std::lock_guard lock(mutex_);
    if (checked_ == key) return;
  }
  const Value identity = client.call(kSts, "GetCallerIdentity", {}, cancelled);
  const std::string account = identity.get_string("Account");
  if (account != client.settings().account)
    throw fail(ProblemCause::destination,
               "the credentials are of account " + account + ", and the destination is " +
                   client.settings().account + " (" + identity.get_string("Arn") + ")",
               "correct the credentials, or `account` of the destination");
  const std::lock_guard lock(mutex_);
  checked_ = key;
}

CloudFormation& State::cloudformation(const std::string& region) {
  const std::lock_guard lock(mutex_);
  auto& found = regions_[region];
  if (!found) found = std::make_unique<CloudFormation>(client, region);
  return *found;
}

std::vector<std::string> State::regions() {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  for (const auto& [region, there] : regions_) out.push_back(region);
  return out;
}

}  // namespace gitopsd::aws
