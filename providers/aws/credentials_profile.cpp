// Credentials of a profile: its own, or a role's, or those that SSO or a program gives.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html
#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "base/captured_run.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/problem.h"
#include "base/timestamp.h"
#include "providers/aws/credential_answer.h"
#include "providers/aws/credentials.h"
#include "providers/aws/query.h"
#include "providers/aws/xml.h"

namespace gitopsd::aws {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kLargestIdentityToken = 64 << 10;
constexpr auto kProgramTakes = 60s;
constexpr std::size_t kMostChained = 10;

[[noreturn]] void refuse(const std::string& profile, const std::string& what, const std::string& hint = {}) {
  throw fail(ProblemCause::destination, "profile '" + profile + "' " + what, hint);
}

std::string session_name(const std::string& given) {
  return given.empty() ? "gitopsd" : given;
}

Credentials from_sts(const std::string& action, Fields parameters, const Settings& settings,
                     const Surroundings& around, const Credentials* credentials, const std::string& whose) {
  const auto out =
      query_request(kSts, action, std::move(parameters), settings, credentials, around.clock.wall());
  const auto answer = around.fetch("POST", out.url, out.headers, out.body);
  if (answer.status == 200) return sts_credentials(read_answer(answer.body, action), whose);
  const auto error = read_error(answer.body);
  throw fail(answer.status >= 500 ? ProblemCause::transient : ProblemCause::destination,
             whose + " gives no credentials: " +
                 (error.code.empty() ? "HTTP " + std::to_string(answer.status)
                                     : error.message + " (" + error.code + ")"));
}

Credentials with_web_identity(const std::string& role, const std::string& file, const std::string& session,
                              const Settings& settings, const Surroundings& around) {
  std::string token = read_file(file, kLargestIdentityToken);
  while (token.ends_with('\n') || token.ends_with('\r')) token.pop_back();
  return from_sts(
      "AssumeRoleWithWebIdentity",
      {{"RoleArn", role}, {"RoleSessionName", session_name(session)}, {"WebIdentityToken", token}}, settings,
      around, nullptr, "role " + role + " for the token in " + file);
}

/// As a shell takes a line apart, without its expansions.
std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '\'' || c == '"') {
      in_word = true;
      for (++i; i < line.size() && line[i] != c; ++i) {
        if (c == '"' && line[i] == '\\' && i + 1 < line.size() && (line[i + 1] == '"' || line[i + 1] == '\\'))
          ++i;
        word += line[i];
      }
    } else if (c == '\\' && i + 1 < line.size()) {
      in_word = true;
      word += line[++i];
    } else if (c == ' ' || c == '\t') {
      if (in_word) words.push_back(std::exchange(word, {}));
      in_word = false;
    } else {
      in_word = true;
      word += c;
    }
  }
  if (in_word) words.push_back(std::move(word));
  return words;
}

std::string sha1_hex(const std::string& text) {
  std::array<std::uint8_t, 20> digest{};
  unsigned size = 0;
  if (::EVP_Digest(text.data(), text.size(), digest.data(), &size, ::EVP_sha1(), nullptr) != 1)
    throw fail(ProblemCause::internal, "OpenSSL has no SHA-1");
  return to_hex(digest);
}

class ProfileResolver {
 public:
  ProfileResolver(const SharedConfig& shared, const Settings& settings, const Surroundings& around)
      : shared_(shared), settings_(settings), around_(around) {}

  std::optional<Credentials> resolve(const std::string& name) {
    const auto found = shared_.profiles.find(name);
    if (found == shared_.profiles.end()) return std::nullopt;
    const Section& profile = found->second;
    const bool seen = std::find(way_.begin(), way_.end(), name) != way_.end();
    way_.push_back(name);
    if (way_.size() > kMostChained) refuse(way_.front(), "chains too many roles: " + way());
    const std::string role = member(profile, "role_arn");
    // A profile may be its own source, by its keys.
    if (!role.empty() && !seen) return assume(name, profile, role);
    if (auto keys = own_keys(name, profile)) return keys;
    if (seen) refuse(way_.front(), "is its own source: " + way());
    if (!member(profile, "sso_account_id").empty()) return from_sso(name, profile);
    const std::string program = member(profile, "credential_process");
    if (!program.empty()) return from_program(name, program);
    return std::nullopt;
  }

 private:
  std::string way() const {
    std::string text;
    for (const auto& name : way_) text += (text.empty() ? "" : " -> ") + name;
    return text;
  }

  static std::optional<Credentials> own_keys(const std::string& name, const Section& profile) {
    Credentials out;
    out.access_key_id = member(profile, "aws_access_key_id");
    out.secret_access_key = Secret(member(profile, "aws_secret_access_key"));
    out.session_token = Secret(member(profile, "aws_session_token"));
    if (out.access_key_id.empty()) return std::nullopt;
    if (out.secret_access_key.empty()) refuse(name, "has aws_access_key_id, and no aws_secret_access_key");
    return out;
  }

  std::optional<Credentials> assume(const std::string& name, const Section& profile,
                                    const std::string& role) {
    const std::string token_file = member(profile, "web_identity_token_file");
    const std::string session = member(profile, "role_session_name");
    if (!token_file.empty()) return with_web_identity(role, token_file, session, settings_, around_);
    if (!member(profile, "mfa_serial").empty())
      refuse(name, "wants a second factor (mfa_serial), which a daemon cannot give");
    const auto credentials = source_of(name, profile);
    Fields parameters{{"RoleArn", role}, {"RoleSessionName", session_name(session)}};
    if (const auto id = member(profile, "external_id"); !id.empty())
      parameters.emplace_back("ExternalId", id);
    if (const auto seconds = member(profile, "duration_seconds"); !seconds.empty())
      parameters.emplace_back("DurationSeconds", seconds);
    return from_sts("AssumeRole", std::move(parameters), settings_, around_, &credentials,
                    "role " + role + " of profile '" + name + "'");
  }

  Credentials source_of(const std::string& name, const Section& profile) {
    const std::string source = member(profile, "source_profile"),
                      other = member(profile, "credential_source");
    if (source.empty() == other.empty())
      refuse(name, "has a role_arn, and not exactly one of source_profile and credential_source");
    std::optional<Credentials> found;
    if (!source.empty())
      found = resolve(source);
    else if (other == "Environment")
      found = environment_credentials(around_.environment);
    else if (other == "EcsContainer")
      found = container_credentials(around_);
    else if (other == "Ec2InstanceMetadata")
      found = instance_credentials(around_);
    else
      refuse(name, "has an unknown credential_source '" + other + "'",
             "it is Environment, EcsContainer or Ec2InstanceMetadata");
    if (!found)
      refuse(name, "has no credentials at its source " + (source.empty() ? other : "'" + source + "'"));
    return *std::move(found);
  }

  Credentials from_sso(const std::string& name, const Section& profile) {
    const std::string session = member(profile, "sso_session");
    std::string url = member(profile, "sso_start_url"), region = member(profile, "sso_region");
    if (!session.empty()) {
      const auto found = shared_.sso_sessions.find(session);
      if (found == shared_.sso_sessions.end()) refuse(name, "names no sso-session: '" + session + "'");
      url = member(found->second, "sso_start_url");
      region = member(found->second, "sso_region");
    }
    if (url.empty() || !is_region(region)) refuse(name, "needs sso_start_url and sso_region");
    const std::string file = around_.environment("HOME") + "/.aws/sso/cache/" +
                             sha1_hex(session.empty() ? url : session) + ".json";
    const std::string hint = "run `aws sso login --profile " + name + "` as the provider's user";
    const Value cached = read_token(name, file, hint);
    const auto expires = parse_rfc3339(cached.get_string("expiresAt"));
    if (!expires || *expires < around_.clock.wall()) refuse(name, "has an SSO token that has expired", hint);
    const auto answer =
        around_.fetch("GET",
                      endpoint_of(kSso, region, settings_.endpoints) + "/federation/credentials?" +
                          canonical_query({{"account_id", member(profile, "sso_account_id")},
                                           {"role_name", member(profile, "sso_role_name")}}),
                      {{"x-amz-sso_bearer_token", cached.get_string("accessToken")}}, {});
    if (answer.status != 200) refuse(name, "is refused by SSO: HTTP " + std::to_string(answer.status), hint);
    return sso_credentials(name, answer.body);
  }

  static Value read_token(const std::string& name, const std::string& file, const std::string& hint) {
    try {
      return parse_json(read_file(file, kLargestIdentityToken));
    } catch (const Failure&) {
      refuse(name, "has no SSO token (" + file + ")", hint);
    }
  }

  /// Another form than elsewhere: lower case, and milliseconds.
  static Credentials sso_credentials(const std::string& name, const std::string& body) {
    const Value answer = parse_json(body);
    const Value* role = answer.find("roleCredentials");
    if (!role) refuse(name, "gets no roleCredentials of SSO");
    Credentials out{role->get_string("accessKeyId"),
                    Secret(role->get_string("secretAccessKey")),
                    Secret(role->get_string("sessionToken")),
                    {}};
    out.expires = role->get_int("expiration") * 1000;
    return out;
  }

  Credentials from_program(const std::string& name, const std::string& line) const {
    Command command;
    command.arguments = words_of(line);
    if (command.arguments.empty() || !command.arguments[0].starts_with('/'))
      refuse(name, "has a credential_process that is no absolute path",
             "write the whole path of the program");
    for (const char* variable :
         {"HOME", "PATH", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "HTTPS_PROXY"})
      if (const auto value = around_.environment(variable); !value.empty())
        command.environment.push_back(std::string(variable) + "=" + value);
    const auto run = run_captured(command, kLargestIdentityToken, kProgramTakes);
    if (run.status != 0 || run.too_slow || run.too_much)
      refuse(name, "has a credential_process that fails: " +
                       (run.too_slow ? "it takes longer than a minute" : describe_wait_status(run.status)) +
                       (run.last_words.empty() ? "" : ": " + run.last_words));
    return read_credentials(run.output, "the credential_process of profile '" + name + "'");
  }

  const SharedConfig& shared_;
  const Settings& settings_;
  const Surroundings& around_;
  std::vector<std::string> way_;  ///< of profiles, to this one
};

}  // namespace

std::optional<Credentials> profile_credentials(const SharedConfig& shared, const ProfileChoice& choice,
                                               const Settings& settings, const Surroundings& around) {
  return ProfileResolver(shared, settings, around).resolve(choice.name);
}

std::optional<Credentials> web_identity_credentials(const Settings& settings, const Surroundings& around) {
  const std::string file = around.environment("AWS_WEB_IDENTITY_TOKEN_FILE");
  const std::string role = around.environment("AWS_ROLE_ARN");
  if (file.empty()) return std::nullopt;
  if (role.empty())
    throw fail(ProblemCause::destination, "AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not");
  return with_web_identity(role, file, around.environment("AWS_ROLE_SESSION_NAME"), settings, around);
}

}  // namespace gitopsd::aws
