#include "providers/aws/settings.h"

#include <doctest/doctest.h>

#include "base/json.h"
#include "providers/protocol/service.h"

using namespace gitopsd;
using namespace gitopsd::aws;

namespace {

std::vector<protocol::WireProblem> wrong_with(const char* json) {
  try {
    read_settings(parse_json(json));
  } catch (const protocol::SettingsRefused& refused) {
    return refused.all();
  }
  return {};
}

}  // namespace

TEST_CASE("an account and a region are needed") {
  const auto settings = read_settings(parse_json(
      R"({"region": "eu-central-1", "account": "012345678901", "endpoint": "http://127.0.0.1:1/"})"));
  CHECK(settings.account == "012345678901");
  CHECK(settings.endpoints.all == "http://127.0.0.1:1");
  CHECK(wrong_with("{}").size() == 2);
  CHECK(wrong_with("[]").size() == 1);
}

TEST_CASE("everything that is wrong is told at once, each with its pointer") {
  const auto problems = wrong_with(
      R"({"region": "Frankfurt", "account": 12345678901, "endpoint": "host", "profil": "x", "credential": "a/b"})");
  std::vector<std::string> pointers;
  for (const auto& problem : problems) pointers.push_back(problem.pointer);
  CHECK(pointers == std::vector<std::string>{"/profil", "/region", "/account", "/credential", "/endpoint"});
  CHECK(problems[0].hint == "did you mean 'profile'?");
}

TEST_CASE("a region's name has a form") {
  for (const char* good :
       {"eu-central-1", "us-gov-west-1", "ap-southeast-12", "us-isob-east-1", "eusc-de-east-1"})
    CHECK(is_region(good));
  for (const char* bad :
       {"", "eu", "eu-central", "eu-central-1a", "EU-central-1", "eu--central-1", "eucentral-1", "eu-1"})
    CHECK_FALSE(is_region(bad));
}

TEST_CASE("artifacts have a bucket, and perhaps a prefix") {
  const auto settings = read_settings(parse_json(
      R"({"region": "eu-central-1", "account": "012345678901", "artifacts": {"bucket": "my-artifacts", "prefix": "a/b"}})"));
  CHECK(settings.artifacts.bucket == "my-artifacts");
  CHECK(settings.artifacts.prefix == "a/b/");
  const auto problems = wrong_with(
      R"({"region": "eu-central-1", "account": "012345678901", "artifacts": {"bucket": "B", "prefix": "/a", "x": 1}})");
  std::vector<std::string> pointers;
  for (const auto& problem : problems) pointers.push_back(problem.pointer);
  CHECK(pointers == std::vector<std::string>{"/artifacts/x", "/artifacts/bucket", "/artifacts/prefix"});
}
