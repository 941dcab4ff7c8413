#include "providers/aws/shared_config.h"

#include <doctest/doctest.h>

#include "base/problem.h"

using namespace gitopsd;
using namespace gitopsd::aws;

namespace {

SharedConfig read(std::string_view text, SharedFile kind = SharedFile::credentials) {
  SharedConfig out;
  read_shared_file(text, kind, "/c", out);
  return out;
}

}  // namespace

TEST_CASE("profiles have another form in each of the two files") {
  const auto config = read(
      "[default]\nregion = eu-central-1\n[profile dev]\nRegion=us-east-1 ; there\n[sso-session "
      "s]\nsso_region = x\n"
      "[other]\nregion = not-a-profile\n",
      SharedFile::config);
  CHECK(config.profiles.size() == 2);
  CHECK(member(config.profiles.at("default"), "region") == "eu-central-1");
  CHECK(member(config.profiles.at("dev"), "region") == "us-east-1");
  CHECK(member(config.sso_sessions.at("s"), "sso_region") == "x");
  const auto keys = read("# mine\n\n[dev]\naws_access_key_id=A\naws_secret_access_key = s#till;here\n");
  CHECK(member(keys.profiles.at("dev"), "aws_secret_access_key") == "s#till;here");
}

TEST_CASE("what is known already stays") {
  auto both = read("[dev]\naws_access_key_id = first\n");
  read_shared_file("[profile dev]\naws_access_key_id = second\nregion = x\n", SharedFile::config, "/d", both);
  CHECK(member(both.profiles.at("dev"), "aws_access_key_id") == "first");
  CHECK(member(both.profiles.at("dev"), "region") == "x");
}

TEST_CASE("nested settings are of what they stand below, and profiles of one name are one") {
  const auto found =
      read("[a]\ns3 =\n  max_concurrent_requests = 20\nregion = x\n  and more\n[a]\nregion = y\r\n");
  CHECK(member(found.profiles.at("a"), "region") == "y");
  CHECK_FALSE(found.profiles.at("a").contains("max_concurrent_requests"));
  CHECK(member(found.profiles.at("a"), "s3.max_concurrent_requests") == "20");
}

TEST_CASE("a section's name may stand in quotes, and is one") {
  const auto found = read(
      "[default]\nk = 1\n[profile \"personal\" \"otherkey\"]\nk = 2\n[profile \"my profile\"]\nk = 3\n"
      "[profile \"missing end quote]\nk = 4\n[profile personal1]\nk = 5\n[profile two words]\nk = 6\n"
      "[sso-session 's']\nk = 7\n",
      SharedFile::config);
  std::vector<std::string> names;
  for (const auto& [name, section] : found.profiles) names.push_back(name);
  CHECK(names == std::vector<std::string>{"default", "my profile", "personal1"});
  CHECK(member(found.profiles.at("my profile"), "k") == "3");
  CHECK(member(found.sso_sessions.at("s"), "k") == "7");
}

TEST_CASE("what is wrong is told with its line") {
  for (const char* text : {"[a]\nnothing\n", "x = 1\n[a]\n", "[a\nx = 1\n", "[a]\n= 1\n",
                           "[a]\ns3 =\n  bad_syntax @ s3v4\n", "AWSAccessKeyId=foo\nAWSSecretKey=bar\n"}) {
    CAPTURE(text);
    try {
      read(text);
      FAIL("no failure");
    } catch (const Failure& failure) {
      CHECK(failure.problems().front().file == "/c");
      CHECK(failure.problems().front().position.line > 0);
    }
  }
}
