// Credentials of what the provider runs on: a container, or an EC2 instance.
#include <array>

#include "base/file.h"
#include "base/problem.h"
#include "providers/aws/credential_answer.h"
#include "providers/aws/credentials.h"

namespace gitopsd::aws {
namespace {

constexpr std::size_t kLargestToken = 64 << 10;

/// Where plain HTTP shows a token to nobody else, as AWS's SDKs have it.
bool is_own_host(std::string_view url) {
  constexpr std::string_view kHttp = "http://";
  if (url.starts_with("https://")) return true;
  if (!url.starts_with(kHttp)) return false;
  url.remove_prefix(kHttp.size());
  const auto authority = url.substr(0, url.find('/'));
  if (authority.find('@') != authority.npos) return false;
  const auto host = authority.starts_with('[') ? authority.substr(0, authority.find(']') + 1)
                                               : authority.substr(0, authority.find(':'));
  constexpr std::array<std::string_view, 5> kOwn{"169.254.170.2", "169.254.170.23", "localhost", "[::1]",
                                                 "[fd00:ec2::23]"};
  for (const auto own : kOwn)
    if (host == own) return true;
  return host.starts_with("127.") && host.find_first_not_of("0123456789.") == host.npos;
}

}  // namespace

std::optional<Credentials> container_credentials(const Surroundings& around) {
  const std::string relative = around.environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  const std::string full = around.environment("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (relative.empty() && full.empty()) return std::nullopt;
  const std::string url = relative.empty() ? full : "http://169.254.170.2" + relative;
  if (!is_own_host(url))
    throw fail(ProblemCause::destination,
               "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither HTTPS nor an address of this machine: " + url);
  Fields headers;
  const std::string file = around.environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  std::string token = around.environment("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  if (!file.empty()) token = read_file(file, kLargestToken);
  while (token.ends_with('\n') || token.ends_with('\r')) token.pop_back();
  if (token.find_first_of("\r\n") != token.npos)
    throw fail(ProblemCause::destination, "the container's authorization token has a line break");
  if (!token.empty()) headers.emplace_back("Authorization", token);
  const auto answer = around.fetch("GET", url, headers, {});
  if (answer.status != 200)
    throw fail(ProblemCause::transient, "the container's credentials are refused: HTTP " +
                                            std::to_string(answer.status) + " of " + url);
  return read_credentials(answer.body, "the container's credential service");
}

std::optional<Credentials> instance_credentials(const Surroundings& around) {
  if (around.environment("AWS_EC2_METADATA_DISABLED") == "true") return std::nullopt;
  std::string base = around.environment("AWS_EC2_METADATA_SERVICE_ENDPOINT");
  if (base.empty()) base = "http://169.254.169.254";
  while (base.ends_with('/')) base.pop_back();
  HttpResponse token;
  try {
    token = around.fetch("PUT", base + "/latest/api/token",
                         {{"X-aws-ec2-metadata-token-ttl-seconds", "21600"}}, {});
  } catch (const Failure&) {
    return std::nullopt;  // it is no instance
  }
  if (token.status != 200) return std::nullopt;
  const Fields headers{{"X-aws-ec2-metadata-token", token.body}};
  const std::string roles = base + "/latest/meta-data/iam/security-credentials/";
  const auto role = around.fetch("GET", roles, headers, {});
  if (role.status == 404) return std::nullopt;  // it has none
  const std::string name = role.body.substr(0, role.body.find('\n'));
  if (role.status != 200 || name.empty())
    throw fail(ProblemCause::transient,
               "the instance's metadata names no role: HTTP " + std::to_string(role.status) + " of " + roles);
  const auto answer = around.fetch("GET", roles + percent_encode(name), headers, {});
  if (answer.status != 200)
    throw fail(ProblemCause::transient, "the instance's metadata gives no credentials of its role '" + name +
                                            "': HTTP " + std::to_string(answer.status));
  return read_credentials(answer.body, "the instance's metadata");
}

}  // namespace gitopsd::aws
