#include "providers/aws/endpoint.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/file.h"
#include "base/json.h"
#include "base/temporary_folder.h"
#include "providers/aws/s3.h"
#include "providers/protocol/service.h"

using namespace gitopsd;
using namespace gitopsd::aws;

namespace {

const Service& service_named(const std::string& id) {
  return **std::find_if(kServices.begin(), kServices.end(), [&](const auto* one) { return one->id == id; });
}

using Variables = std::map<std::string, std::string>;

/// As settings of eu-central-1 read them in this environment; `more` are further members.
Settings settings_in(const Variables& variables, const std::string& more = {}) {
  return read_settings(parse_json(R"({"region":"eu-central-1","account":"012345678901")" + more + "}"),
                       [&](const std::string& name) {
                         const auto found = variables.find(name);
                         return found == variables.end() ? std::string() : found->second;
                       });
}

std::string refused_at(const Variables& variables, const std::string& more = {}) {
  try {
    settings_in(variables, more);
  } catch (const protocol::SettingsRefused& refused) {
    return refused.all().front().pointer;
  }
  return {};
}

}  // namespace

TEST_CASE("endpoints are where AWS's own rules have them") {
  const Value cases = parse_json(read_file(GITOPSD_ENDPOINT_CASES, 1 << 20));
  CHECK(cases.as_array().size() > 100);
  for (const auto& one : cases.as_array()) {
    CAPTURE(to_json(one));
    const auto flag = [&](const char* key) { return one.find(key)->as_bool(); };
    std::string more = std::string(",\"fips\":") + (flag("fips") ? "true" : "false") +
                       ",\"dualStack\":" + (flag("dualStack") ? "true" : "false");
    if (const auto url = one.get_string("endpoint"); !url.empty()) more += ",\"endpoint\":\"" + url + "\"";
    if (one.get_string("url").empty()) {
      CHECK(refused_at({}, more) == (flag("fips") ? "/fips" : "/dualStack"));
      continue;
    }
    CHECK(is_region(one.get_string("region")));
    if (const auto bucket = one.get_string("bucket"); !bucket.empty()) {
      Settings settings = settings_in({}, more);
      settings.region = one.get_string("region");
      const auto address = address_of(bucket, settings);
      if (is_bucket_name(bucket)) CHECK(address.base + address.path == one.get_string("url"));
      continue;
    }
    CHECK(endpoint_of(service_named(one.get_string("service")), one.get_string("region"),
                      settings_in({}, more).endpoints) == one.get_string("url"));
  }
}

TEST_CASE("a region is of a partition") {
  CHECK(partition_of("eu-central-1").name == "aws");
  CHECK(partition_of("us-gov-west-1").name == "aws-us-gov");
  CHECK(partition_of("us-isob-east-1").name == "aws-iso-b");
  CHECK(partition_of("eusc-de-east-1").domain == "amazonaws.eu");
}

TEST_CASE("the settings' endpoint comes before the environment's, and that before the profile's") {
  const TemporaryFolder folder(in_temporary_directory("gitopsd-aws-"));
  const auto file = folder.path() + "/config";
  write_file_atomically(
      file,
      "[default]\nendpoint_url = https://profile/\nservices = mine\n"
      "[services mine]\ncloudformation =\n  # here\n  endpoint_url = https://profile-cfn/\n");
  Variables variables{{"AWS_CONFIG_FILE", file}};
  const auto at = [&](const Service& service, const std::string& more = {}) {
    return endpoint_of(service, settings_in(variables, more));
  };
  CHECK(at(kSts) == "https://profile");
  CHECK(at(kCloudFormation) == "https://profile-cfn");
  variables["AWS_ENDPOINT_URL"] = "http://all/";
  CHECK(at(kSts) == "http://all");
  CHECK(at(kCloudFormation) == "http://all");
  variables["AWS_ENDPOINT_URL_STS"] = "http://sts";
  CHECK(at(kSts) == "http://sts");
  CHECK(at(kCloudFormation) == "http://all");
  CHECK(at(kSts, R"(,"endpoint":"http://mine/")") == "http://mine");
  variables["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true";
  CHECK(at(kSts) == "https://sts.eu-central-1.amazonaws.com");
  CHECK(at(kSts, R"(,"endpoint":"http://mine/")") == "http://mine");
}

TEST_CASE("FIPS and dual stack are also the environment's and the profile's to say") {
  const TemporaryFolder folder(in_temporary_directory("gitopsd-aws-"));
  const auto file = folder.path() + "/config";
  write_file_atomically(file, "[profile dev]\nuse_dualstack_endpoint = true\n");
  Variables variables{{"AWS_CONFIG_FILE", file}, {"AWS_USE_FIPS_ENDPOINT", "true"}};
  CHECK(endpoint_of(kCloudFormation, settings_in(variables)) ==
        "https://cloudformation-fips.eu-central-1.amazonaws.com");
  CHECK(endpoint_of(kCloudFormation, settings_in(variables, R"(,"profile":"dev","fips":false)")) ==
        "https://cloudformation.eu-central-1.api.aws");
  variables["AWS_ENDPOINT_URL"] = "http://all";
  CHECK(refused_at(variables) == "/fips");
}

TEST_CASE("what is wrong in the shared files is told with the settings") {
  const TemporaryFolder folder(in_temporary_directory("gitopsd-aws-"));
  const auto file = folder.path() + "/config";
  write_file_atomically(file, "[default]\ns3 =\n  bad_syntax @ s3v4\n");
  CHECK(refused_at({{"AWS_CONFIG_FILE", file}}) == "/profile");
}
