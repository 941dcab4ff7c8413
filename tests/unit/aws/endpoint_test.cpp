#include "providers/aws/endpoint.h"

#include <doctest/doctest.h>

#include <cstdlib>

using namespace gitopsd::aws;

TEST_CASE("a region's services are in its partition's domain") {
  Settings settings;
  const auto at = [&](const char* region) {
    settings.region = region;
    return endpoint_of(kCloudFormation, settings);
  };
  CHECK(at("eu-central-1") == "https://cloudformation.eu-central-1.amazonaws.com");
  CHECK(at("cn-north-1") == "https://cloudformation.cn-north-1.amazonaws.com.cn");
  CHECK(at("us-gov-west-1") == "https://cloudformation.us-gov-west-1.amazonaws.com");
  CHECK(partition_of("us-gov-west-1").name == "aws-us-gov");
  CHECK(partition_of("us-isob-east-1").name == "aws-iso-b");
}

TEST_CASE(
    "the settings' endpoint comes before the service's of the environment, and that before the one for all") {
  Settings settings;
  settings.region = "eu-central-1";
  ::setenv("AWS_ENDPOINT_URL", "http://all/", 1);
  CHECK(endpoint_of(kSts, settings) == "http://all");
  ::setenv("AWS_ENDPOINT_URL_STS", "http://sts", 1);
  CHECK(endpoint_of(kSts, settings) == "http://sts");
  CHECK(endpoint_of(kCloudFormation, settings) == "http://all");
  settings.endpoint = "http://mine";
  CHECK(endpoint_of(kSts, settings) == "http://mine");
  ::unsetenv("AWS_ENDPOINT_URL");
  ::unsetenv("AWS_ENDPOINT_URL_STS");
}
