// Where a service of AWS is reached.
#pragma once

#include <array>
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
inline constexpr Service kS3{"s3", "S3", ""};
/// Of another form than these: it is only asked for credentials.
inline constexpr Service kSso{"sso", "SSO", ""};
inline constexpr std::array<const Service*, 4> kServices{&kSts, &kCloudFormation, &kS3, &kSso};

/// Regions that share accounts, identifiers (`arn:aws-cn:`) and a domain.
struct Partition {
  std::string_view name, domain;
  std::string_view dual_stack_domain;
};
const Partition& partition_of(std::string_view region);

/// Without a slash at the end: somebody's own, or the regional one of AWS.
std::string endpoint_of(const Service&, const std::string& region, const Endpoints&);
inline std::string endpoint_of(const Service& service, const Settings& settings) {
  return endpoint_of(service, settings.region, settings.endpoints);
}
/// The one of AWS, whatever URL is set.
std::string regional_endpoint(const Service&, const std::string& region, const Endpoints&);
inline std::string regional_endpoint(const Service& service, const Settings& settings) {
  return regional_endpoint(service, settings.region, settings.endpoints);
}

}  // namespace gitopsd::aws
