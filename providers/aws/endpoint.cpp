#include "providers/aws/endpoint.h"

#include <array>

#include "providers/aws/environment.h"

namespace gitopsd::aws {
namespace {

struct Regions {
  std::string_view prefix;
  Partition partition;
};
/// From the partitions in botocore's data; a region of no other begins with none of these.
constexpr std::array<Regions, 6> kOthers{{{"cn-", {"aws-cn", "amazonaws.com.cn"}},
                                          {"us-gov-", {"aws-us-gov", "amazonaws.com"}},
                                          {"us-isob-", {"aws-iso-b", "sc2s.sgov.gov"}},
                                          {"us-isof-", {"aws-iso-f", "csp.hci.ic.gov"}},
                                          {"us-iso-", {"aws-iso", "c2s.ic.gov"}},
                                          {"eu-isoe-", {"aws-iso-e", "cloud.adc-e.uk"}}}};
constexpr Partition kPublic{"aws", "amazonaws.com"};

std::string from_environment(const std::string& name) {
  std::string url = process_environment(name);
  while (url.ends_with('/')) url.pop_back();
  return url;
}

}  // namespace

const Partition& partition_of(std::string_view region) {
  for (const auto& other : kOthers)
    if (region.starts_with(other.prefix)) return other.partition;
  return kPublic;
}

std::string endpoint_of(const Service& service, const Settings& settings) {
  if (!settings.endpoint.empty()) return settings.endpoint;
  for (const auto& name : {"AWS_ENDPOINT_URL_" + std::string(service.env), std::string("AWS_ENDPOINT_URL")})
    if (auto url = from_environment(name); !url.empty()) return url;
  return "https://" + std::string(service.id) + "." + settings.region + "." +
         std::string(partition_of(settings.region).domain);
}

}  // namespace gitopsd::aws
