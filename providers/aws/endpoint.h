// Where a service of AWS is reached.
#pragma once

#include <string>
#include <string_view>

#include "providers/aws/settings.h"

namespace gitopsd::aws {

struct Service {
  std::string_view id;       ///< as in its host name, and the name that it is signed for
  std::string_view env;      ///< of AWS_ENDPOINT_URL_*
  std::string_view version;  ///< of its API, with the query protocol
};
inline constexpr Service kSts{"sts", "STS", "2011-06-15"};
inline constexpr Service kCloudFormation{"cloudformation", "CLOUDFORMATION", "2010-05-15"};

/// Regions that share accounts, identifiers (`arn:aws-cn:`) and a domain.
struct Partition {
  std::string_view name, domain;
};
const Partition& partition_of(std::string_view region);

/// Without a slash at the end: the settings' own, AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, or the
/// regional one of AWS.
std::string endpoint_of(const Service&, const Settings&);

}  // namespace gitopsd::aws
