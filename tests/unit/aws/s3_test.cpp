#include "providers/aws/s3.h"

#include <doctest/doctest.h>

#include "base/hash.h"
#include "base/secret.h"
#include "providers/aws/query.h"

using namespace gitopsd;
using namespace gitopsd::aws;

namespace {

Settings settings_at(const std::string& region, const std::string& endpoint = "") {
  Settings settings;
  settings.region = region;
  settings.endpoints.all = endpoint;
  return settings;
}

}  // namespace

TEST_CASE("a bucket has a host of its own with AWS, and is in the path elsewhere") {
  const auto virtual_hosted = address_of("site", settings_at("eu-central-1"));
  CHECK(virtual_hosted.base == "https://site.s3.eu-central-1.amazonaws.com");
  CHECK(virtual_hosted.path.empty());
  const auto dotted = address_of("www.example.com", settings_at("cn-north-1"));
  CHECK(dotted.base == "https://s3.cn-north-1.amazonaws.com.cn");
  CHECK(dotted.path == "/www.example.com");
  const auto custom = address_of("site", settings_at("eu-central-1", "http://127.0.0.1:9000"));
  CHECK(custom.base == "http://127.0.0.1:9000");
  CHECK(custom.path == "/site");
}

TEST_CASE("CloudFormation is given AWS's own URL, whatever the endpoint") {
  CHECK(aws_url("b-b", "p/k", settings_at("eu-west-1", "http://127.0.0.1:9000")) ==
        "https://b-b.s3.eu-west-1.amazonaws.com/p/k");
  CHECK(aws_url("b.b", "k", settings_at("eu-west-1")) == "https://s3.eu-west-1.amazonaws.com/b.b/k");
  Settings other_hosts = settings_at("us-gov-west-1");
  other_hosts.endpoints.fips = other_hosts.endpoints.dual_stack = true;
  CHECK(aws_url("b-b", "k", other_hosts) == "https://b-b.s3.us-gov-west-1.amazonaws.com/k");
}

TEST_CASE("names of buckets") {
  for (const char* good : {"abc", "my-site.example.com", "0-0",
                           "a23456789012345678901234567890123456789012345678901234567890123"})
    CHECK(is_bucket_name(good));
  for (const char* bad : {"", "ab", "Abc", "a_b", "-ab", "ab-", "a..b", "a/b", "a b",
                          "a234567890123456789012345678901234567890123456789012345678901234"})
    CHECK_FALSE(is_bucket_name(bad));
}

TEST_CASE("keys of any characters are in the path once encoded, and signed so") {
  Request request;
  request.method = "PUT";
  request.path = "/b/a b+\xc3\xbc/../=&%";
  request.query = {{"uploads", ""}};
  request.headers = {{"Content-Type", "text/plain"}};
  const Credentials credentials{"AKID", Secret("secret"), Secret(), {}};
  const auto out =
      rest_request(kS3, "http://host:9000", request, settings_at("eu-central-1"), credentials, 0);
  CHECK(out.method == "PUT");
  CHECK(out.url == "http://host:9000/b/a%20b%2B%C3%BC/../%3D%26%25?uploads=");
  std::string digest;
  for (const auto& [name, value] : out.headers)
    if (name == "X-Amz-Content-Sha256") digest = value;
  CHECK(digest == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("a digest of the body that is known already is the one that is signed") {
  Request request;
  request.method = "PUT";
  request.body = "large";
  request.digest = sha256("large");
  const Credentials credentials{"AKID", Secret("secret"), Secret(), {}};
  const auto headers = [&] {
    return rest_request(kS3, "http://host", request, settings_at("eu-central-1"), credentials, 0).headers;
  };
  const auto known = headers();
  request.digest.reset();
  CHECK(known == headers());
}

TEST_CASE("what is asked of which object is told in IAM's words") {
  CHECK(object_arn("b", "k/x", settings_at("eu-central-1")) == "arn:aws:s3:::b/k/x");
  CHECK(object_arn("b", "", settings_at("cn-north-1")) == "arn:aws-cn:s3:::b");
}
