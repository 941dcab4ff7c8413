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

}  // namespace gitopsd::aws
