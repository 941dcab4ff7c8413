// Each place where AWS's tools look for credentials, with services that answer as documented: a double of the
// tests' own.
#include "providers/aws/credentials.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "base/problem.h"
#include "base/temporary_folder.h"
#include "base/timestamp.h"

using namespace gitopsd;
using namespace gitopsd::aws;
namespace fs = std::filesystem;

namespace {

class HandClock : public Clock {
 public:
  WallMicros wall() const override { return now; }
  Monotonic::time_point monotonic() const override {
    return Monotonic::time_point(std::chrono::microseconds(now));
  }
  WallMicros now = *parse_rfc3339("2026-11-24T12:00:00Z");
};

struct Asked {
  std::string method, url, body;
  Fields headers;
};

constexpr const char* kJson =
    R"({"AccessKeyId": "ASIA1", "SecretAccessKey": "s1", "Token": "t1", "Expiration": "2026-11-24T18:00:00Z"})";

std::string sts(const std::string& action, const std::string& key) {
  return "<" + action + "Response><" + action + "Result><Credentials><AccessKeyId>" + key +
         "</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
         "<Expiration>2026-11-24T13:00:00Z</Expiration></Credentials></" +
         action + "Result></" + action + "Response>";
}

/// A home, an environment, and what services answer by their URL or the action that is asked.
class World {
 public:
  World() {
    variables["HOME"] = home_.path();
    settings.region = "eu-central-1";
  }

  std::string write(const std::string& name, const std::string& text) {
    const std::string path = home_.path() + "/" + name;
    fs::create_directories(fs::path(path).parent_path());
    std::ofstream(path) << text;
    return path;
  }

  CredentialChain chain() {
    return {settings,
            {clock, [this](const std::string& name) { return variables[name]; },
             [this](const auto& method, const auto& url, const auto& headers, const auto& body) {
               asked.push_back({method, url, body, headers});
               for (const auto& [what, answer] : answers)
                 if (url == what || body.find("Action=" + what + "&") != body.npos) return answer;
               throw fail(ProblemCause::transient, "no route to host");
             }}};
  }

  std::string refused() {
    try {
      chain().get();
    } catch (const Failure& failure) {
      return failure.what();
    }
    return {};
  }

  HandClock clock;
  Settings settings;
  std::map<std::string, std::string> variables;
  std::map<std::string, HttpResponse> answers;
  std::vector<Asked> asked;

 private:
  TemporaryFolder home_{in_temporary_directory("gitopsd-aws-")};
};

std::string header(const Asked& asked, std::string_view name) {
  for (const auto& [key, value] : asked.headers)
    if (key == name) return value;
  return {};
}

}  // namespace

TEST_CASE("the environment comes before the shared files, and what the destination names before both") {
  World world;
  world.write(".aws/credentials",
              "[default]\naws_access_key_id = D\naws_secret_access_key = s\n[dev]\n"
              "aws_access_key_id = P\naws_secret_access_key = s\naws_session_token = t\n");
  CHECK(world.chain().get().access_key_id == "D");
  world.variables["AWS_PROFILE"] = "dev";
  CHECK(world.chain().get().session_token.reveal() == "t");
  world.variables["AWS_ACCESS_KEY_ID"] = "E";
  CHECK(world.refused().find("AWS_SECRET_ACCESS_KEY is not") != std::string::npos);
  world.variables["AWS_SECRET_ACCESS_KEY"] = "s";
  CHECK(world.chain().get().access_key_id == "E");
  world.settings.profile = "dev";
  CHECK(world.chain().get().access_key_id == "P");
  world.settings.profile = "nobody";
  CHECK(world.refused().find("profile 'nobody' gives no credentials") != std::string::npos);
}

TEST_CASE("a role is assumed with another profile's keys, chained, with its external id") {
  World world;
  world.settings.profile = "c";
  world.write(".aws/credentials", "[a]\naws_access_key_id = A\naws_secret_access_key = s\n");
  world.write(".aws/config",
              "[profile b]\nrole_arn = arn:b\nsource_profile = a\nexternal_id = x y\n"
              "[profile c]\nrole_arn = arn:c\nsource_profile = b\nrole_session_name = me\n");
  world.answers["AssumeRole"] = {200, {}, sts("AssumeRole", "ASIAROLE")};
  const auto got = world.chain().get();
  CHECK(got.access_key_id == "ASIAROLE");
  CHECK(*got.expires == *parse_rfc3339("2026-11-24T13:00:00Z"));
  REQUIRE(world.asked.size() == 2);
  CHECK(world.asked[0].url == "https://sts.eu-central-1.amazonaws.com/");
  CHECK(world.asked[0].body ==
        "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Ab&RoleSessionName=gitopsd&ExternalId=x+y");
  CHECK(header(world.asked[0], "Authorization").find("Credential=A/") != std::string::npos);
  CHECK(world.asked[1].body.find("RoleSessionName=me") != std::string::npos);
  CHECK(header(world.asked[1], "Authorization").find("Credential=ASIAROLE/") != std::string::npos);
  CHECK(header(world.asked[1], "X-Amz-Security-Token") == "t");
}

TEST_CASE("a role that is refused, a circle and a second factor are told") {
  World world;
  world.settings.profile = "r";
  const std::string keys = "aws_access_key_id = A\naws_secret_access_key = s\n";
  world.write(".aws/config", "[profile r]\nrole_arn = arn:r\nsource_profile = r\n" + keys);
  world.answers["AssumeRole"] = {403,
                                 {},
                                 "<ErrorResponse><Error><Code>AccessDenied</Code><Message>User: u is not "
                                 "authorized</Message></Error></ErrorResponse>"};
  CHECK(world.refused() ==
        "role arn:r of profile 'r' gives no credentials: User: u is not authorized (AccessDenied)");
  world.write(".aws/config",
              "[profile r]\nrole_arn = arn:r\nsource_profile = q\n[profile q]\nrole_arn = arn:q\n"
              "source_profile = r\n");
  CHECK(world.refused().find("is its own source: r -> q -> r") != std::string::npos);
  world.write(".aws/config", "[profile r]\nrole_arn = arn:r\nmfa_serial = m\nsource_profile = r\n" + keys);
  CHECK(world.refused().find("second factor") != std::string::npos);
  world.write(".aws/config", "[profile r]\nrole_arn = arn:r\n" + keys);
  CHECK(world.refused().find("not exactly one of source_profile and credential_source") != std::string::npos);
}

TEST_CASE("a web identity needs no keys") {
  World world;
  world.variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = world.write("token", "jwt\n");
  CHECK(world.refused().find("AWS_ROLE_ARN is not") != std::string::npos);
  world.variables["AWS_ROLE_ARN"] = "arn:w";
  world.answers["AssumeRoleWithWebIdentity"] = {200, {}, sts("AssumeRoleWithWebIdentity", "ASIAWEB")};
  CHECK(world.chain().get().access_key_id == "ASIAWEB");
  CHECK(world.asked.back().body.ends_with("RoleArn=arn%3Aw&RoleSessionName=gitopsd&WebIdentityToken=jwt"));
  CHECK(header(world.asked.back(), "Authorization").empty());
}

TEST_CASE("SSO, from the token that `aws sso login` left") {
  World world;
  world.settings.profile = "s";
  world.write(".aws/config",
              "[profile s]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Admin\n"
              "[sso-session corp]\nsso_start_url = https://corp\nsso_region = us-east-1\n");
  const auto said = world.refused();
  CHECK(said.find("has no SSO token") != std::string::npos);
  CHECK(said.find("run `aws sso login --profile s`") != std::string::npos);
  const std::string named =
      ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";  // SHA-1 of "corp"
  world.write(named, R"({"accessToken": "bearer", "expiresAt": "2026-11-24T11:00:00Z"})");
  CHECK(world.refused().find("expired") != std::string::npos);
  world.write(named, R"({"accessToken": "bearer", "expiresAt": "2026-11-24T13:00:00Z"})");
  world.answers
      ["https://portal.sso.us-east-1.amazonaws.com/federation/"
       "credentials?account_id=123456789012&role_name=Admin"] = {
      200, {}, R"({"roleCredentials": {"accessKeyId": "ASIASSO", "secretAccessKey": "s", "sessionToken": "t",
                    "expiration": 1795525200000}})"};
  CHECK(world.chain().get().access_key_id == "ASIASSO");
  CHECK(header(world.asked.back(), "x-amz-sso_bearer_token") == "bearer");
}

TEST_CASE("a program gives them") {
  World world;
  world.settings.profile = "p";
  const auto program =
      world.write("give it",
                  "#!/bin/sh\n[ \"$1\" = 'a b' ] || exit 3\n"
                  "echo '{\"Version\": 1, \"AccessKeyId\": \"PROG\", \"SecretAccessKey\": \"s\"}'\n");
  ::chmod(program.c_str(), 0700);
  world.write(".aws/config", "[profile p]\ncredential_process = \"" + program + "\" 'a b'\n");
  CHECK(world.chain().get().access_key_id == "PROG");
  world.write(".aws/config", "[profile p]\ncredential_process = \"" + program + "\"\n");
  CHECK(world.refused().find("exit status 3") != std::string::npos);
  world.write(".aws/config", "[profile p]\ncredential_process = give\n");
  CHECK(world.refused().find("no absolute path") != std::string::npos);
}

TEST_CASE("a container's service, asked with its token, only where nobody else hears it") {
  World world;
  world.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://169.254.170.23/v1/credentials";
  world.variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = world.write("pod", "ey\n");
  world.answers["http://169.254.170.23/v1/credentials"] = {200, {}, kJson};
  CHECK(world.chain().get().session_token.reveal() == "t1");
  CHECK(header(world.asked.back(), "Authorization") == "ey");
  for (const char* foreign : {"http://example.com/", "http://169.254.170.2.example.com/",
                              "http://localhost@example.com/", "ftp://localhost/"}) {
    world.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = foreign;
    CHECK(world.refused().find("neither HTTPS nor an address of this machine") != std::string::npos);
  }
  world.variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/v2/x";
  world.answers["http://169.254.170.2/v2/x"] = {200, {}, kJson};
  CHECK(world.chain().get().access_key_id == "ASIA1");
}

TEST_CASE("an instance's metadata, with a session token") {
  World world;
  const std::string base = "http://169.254.169.254/latest/";
  CHECK(world.refused().find("there are no AWS credentials") != std::string::npos);
  world.answers[base + "api/token"] = {200, {}, "imds"};
  world.answers[base + "meta-data/iam/security-credentials/web"] = {200, {}, kJson};
  const std::string roles = base + "meta-data/iam/security-credentials/";
  world.answers[roles] = {200, {}, "web\n"};
  world.asked.clear();
  CHECK(world.chain().get().access_key_id == "ASIA1");
  CHECK(world.asked[0].method == "PUT");
  CHECK(header(world.asked[1], "X-aws-ec2-metadata-token") == "imds");
  world.answers[roles] = {404, {}, ""};
  CHECK(world.refused().find("there are no AWS credentials") != std::string::npos);
  world.variables["AWS_EC2_METADATA_DISABLED"] = "true";
  world.asked.clear();
  CHECK_FALSE(world.refused().empty());
  CHECK(world.asked.empty());
}

TEST_CASE("they are renewed before they expire, and outlive a source that does not answer") {
  World world;
  world.variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/x";
  world.answers["http://169.254.170.2/x"] = {200, {}, kJson};
  auto chain = world.chain();
  chain.get();
  world.clock.now = *parse_rfc3339("2026-11-24T17:40:00Z");
  chain.get();
  CHECK(world.asked.size() == 1);
  world.clock.now = *parse_rfc3339("2026-11-24T17:50:00Z");
  world.answers.clear();
  CHECK(chain.get().access_key_id == "ASIA1");
  CHECK(world.asked.size() == 2);
  world.clock.now = *parse_rfc3339("2026-11-24T18:00:00Z");
  CHECK_THROWS_AS(chain.get(), Failure);
}

TEST_CASE("those that live for no longer than a quarter of an hour are renewed when half of it is over") {
  World world;
  world.variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/x";
  auto chain = world.chain();
  const auto get_at = [&](const std::string& time, const std::string& expires) {
    world.clock.now = *parse_rfc3339("2026-11-24T" + time + "Z");
    world.answers["http://169.254.170.2/x"] = {
        200,
        {},
        R"({"AccessKeyId": "A", "SecretAccessKey": "s", "Token": "t", "Expiration": "2026-11-24T)" + expires +
            "Z\"}"};
    chain.get();
    return world.asked.size();
  };
  CHECK(get_at("12:00:00", "12:10:00") == 1);
  CHECK(get_at("12:04:59", "12:10:00") == 1);
  CHECK(get_at("12:05:00", "12:10:00") == 2);  // a source may have no others yet
  CHECK(get_at("12:07:29", "12:10:00") == 2);
  CHECK(get_at("12:07:30", "13:00:00") == 3);
  CHECK(get_at("12:44:59", "13:00:00") == 3);
  CHECK(get_at("12:45:00", "13:10:00") == 4);
}

TEST_CASE("a source that does not answer is asked, and told of, each minute at most") {
  World world;
  world.variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/x";
  world.answers["http://169.254.170.2/x"] = {200, {}, kJson};
  auto chain = world.chain();
  chain.get();
  world.answers.clear();
  const auto asked_at = [&](const char* time) {
    world.clock.now = *parse_rfc3339(time);
    for (int call = 0; call < 3; ++call) CHECK(chain.get().access_key_id == "ASIA1");
    return world.asked.size();
  };
  CHECK(asked_at("2026-11-24T17:50:00Z") == 2);
  CHECK(asked_at("2026-11-24T17:50:59Z") == 2);
  CHECK(asked_at("2026-11-24T17:51:00Z") == 3);
  CHECK_THROWS_AS(chain.get(true), Failure);
  world.answers["http://169.254.170.2/x"] = {200, {}, kJson};
  world.clock.now = *parse_rfc3339("2026-11-24T17:52:00Z");
  chain.get();
  CHECK(asked_at("2026-11-24T17:52:59Z") == 5);
}
