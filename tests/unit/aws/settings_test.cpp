#include "providers/aws/settings.h"

#include <doctest/doctest.h>

#include "base/file.h"
#include "base/json.h"
#include "base/temporary_folder.h"
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

TEST_CASE("a file and a profile that are named are there") {
  const TemporaryFolder folder(in_temporary_directory("gitopsd-aws-"));
  const auto file = folder.path() + "/credentials";
  const auto with = [&](const std::string& more) {
    return wrong_with((R"({"region": "eu-central-1", "account": "012345678901", "credentialsFile": ")" +
                       file + "\"" + more + "}")
                          .c_str());
  };
  const auto missing = with("");
  REQUIRE(missing.size() == 1);
  CHECK(missing[0].pointer == "/credentialsFile");
  CHECK(missing[0].cause == ProblemCause::destination);
  write_file_atomically(file, "[production]\naws_access_key_id = A\naws_secret_access_key = B\n");
  CHECK(with("").empty());
  CHECK(with(R"(, "profile": "production")").empty());
  const auto unknown = with(R"(, "profile": "productoin")");
  REQUIRE(unknown.size() == 1);
  CHECK(unknown[0].pointer == "/profile");
  CHECK(unknown[0].hint == "did you mean 'production'?");
}

TEST_CASE("a systemd credential may be elsewhere, where a configuration is only checked") {
  const auto missing =
      wrong_with(R"({"region": "eu-central-1", "account": "012345678901", "credential": "aws"})");
  REQUIRE(missing.size() == 1);
  CHECK(missing[0].pointer == "/credential");
  CHECK(missing[0].cause == ProblemCause::destination);
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
