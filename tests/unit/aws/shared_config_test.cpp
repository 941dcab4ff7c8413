#include "providers/aws/shared_config.h"

#include <doctest/doctest.h>

#include "base/problem.h"

using namespace gitopsd;
using namespace gitopsd::aws;

TEST_CASE("profiles have another form in each of the two files") {
  const auto config = read_profiles(
      "[default]\nregion = eu-central-1\n[profile dev]\nRegion=us-east-1 ; there\n[sso-session "
      "s]\nsso_region = x\n"
      "[other]\nregion = not-a-profile\n",
      SharedFile::config, "config");
  CHECK(config.size() == 2);
  CHECK(config.at("default").at("region") == "eu-central-1");
  CHECK(config.at("dev").at("region") == "us-east-1");
  const auto credentials =
      read_profiles("# mine\n\n[dev]\naws_access_key_id=A\naws_secret_access_key = s#till;here\n",
                    SharedFile::credentials, "credentials");
  CHECK(credentials.at("dev").at("aws_secret_access_key") == "s#till;here");
}

TEST_CASE("nested settings are passed over, and profiles of one name are one") {
  const auto found =
      read_profiles("[a]\ns3 =\n  max_concurrent_requests = 20\nregion = x\n[a]\nregion = y\r\n",
                    SharedFile::credentials, "credentials");
  CHECK(found.at("a").at("region") == "y");
  CHECK_FALSE(found.at("a").contains("max_concurrent_requests"));
}

TEST_CASE("what is wrong is told with its line") {
  for (const char* text : {"[a]\nnothing\n", "x = 1\n[a]\n", "[a\nx = 1\n", "[a]\n= 1\n"}) {
    CAPTURE(text);
    try {
      read_profiles(text, SharedFile::credentials, "/c");
      FAIL("no failure");
    } catch (const Failure& failure) {
      CHECK(failure.problems().front().file == "/c");
      CHECK(failure.problems().front().position.line > 0);
    }
  }
}
