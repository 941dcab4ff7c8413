#include "providers/aws/endpoint.h"

namespace gitopsd::aws {
namespace {

struct Regions {
  std::string_view prefix;
  Partition partition;
};
/// From the partitions in botocore's data; a region of no other begins with none of these.
constexpr std::array<Regions, 7> kOthers{
    {{"cn-", {"aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn"}},
     {"eusc-", {"aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu"}},
     {"us-gov-", {"aws-us-gov", "amazonaws.com", "api.aws"}},
     {"us-isob-", {"aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud"}},
     {"us-isof-", {"aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov"}},
     {"us-iso-", {"aws-iso", "c2s.ic.gov", "api.aws.ic.gov"}},
     {"eu-isoe-", {"aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"}}}};
constexpr Partition kPublic{"aws", "amazonaws.com", "api.aws"};

}  // namespace

const Partition& partition_of(std::string_view region) {
  for (const auto& other : kOthers)
    if (region.starts_with(other.prefix)) return other.partition;
  return kPublic;
}

std::string endpoint_of(const Service& service, const std::string& region, const Endpoints& endpoints) {
  if (const auto own = endpoints.of_service.find(service.id); own != endpoints.of_service.end())
    return own->second;
  return endpoints.all.empty() ? regional_endpoint(service, region, endpoints) : endpoints.all;
}

std::string regional_endpoint(const Service& service, const std::string& region, const Endpoints& endpoints) {
  const auto& partition = partition_of(region);
  const bool s3 = service.id == kS3.id;
  // All of GovCloud's are validated, and those without IPv6 have no other name.
  const bool named = endpoints.fips && (partition.name != "aws-us-gov" || endpoints.dual_stack || s3);
  const bool other_domain = endpoints.dual_stack && !s3;
  return "https://" + std::string(service.id == kSso.id ? "portal.sso" : service.id) +
         (named ? "-fips." : ".") + (endpoints.dual_stack && s3 ? "dualstack." : "") + region + "." +
         std::string(other_domain ? partition.dual_stack_domain : partition.domain);
}

}  // namespace gitopsd::aws
