#include "providers/aws/client.h"

#include <algorithm>
#include <array>
#include <random>
#include <thread>

#include "base/log.h"
#include "providers/aws/xml.h"

namespace gitopsd::aws {
namespace {

using namespace std::chrono_literals;

// "Standard" of https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
constexpr int kAttempts = 3;
constexpr auto kLongestPause = 20'000ms;
constexpr int kRetryCost = 5;
constexpr auto kTimeout = 60s;  // of a large body: without any of it moving
/// Of a service that is on this machine, or is not there.
constexpr auto kCredentialsTake = 10s;
/// AWS refuses what was signed more than five minutes (S3: fifteen) before or after its own time.
constexpr WallMicros kSkewMatters = 240'000'000;

template <std::size_t N>
bool is_one_of(std::string_view word, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// But for LimitExceededException, which SDKs count here: CloudFormation's is a quota, and no waiting mends
/// it.
constexpr std::array<std::string_view, 13> kThrottling{"Throttling",
                                                       "ThrottlingException",
                                                       "ThrottledException",
                                                       "RequestThrottledException",
                                                       "RequestThrottled",
                                                       "TooManyRequestsException",
                                                       "ProvisionedThroughputExceededException",
                                                       "TransactionInProgressException",
                                                       "RequestLimitExceeded",
                                                       "BandwidthLimitExceeded",
                                                       "SlowDown",
                                                       "PriorRequestNotComplete",
                                                       "EC2ThrottledException"};
/// The last is of an upload that is to be a new object, while another request for its key is under way.
constexpr std::array<std::string_view, 7> kPassing{"RequestTimeout",
                                                   "RequestTimeoutException",
                                                   "InternalError",
                                                   "InternalFailure",
                                                   "ServiceUnavailable",
                                                   "IDPCommunicationError",
                                                   "ConditionalRequestConflict"};
/// Also what a region says that the account has not enabled.
constexpr std::string_view kUnknownKey = "InvalidClientTokenId";
constexpr std::array<std::string_view, 4> kRefusedKey{kUnknownKey, "UnrecognizedClientException",
                                                      "InvalidAccessKeyId", "SignatureDoesNotMatch"};
constexpr std::array<std::string_view, 3> kExpired{"ExpiredToken", "ExpiredTokenException", "RequestExpired"};
/// The last is the answer to a HEAD, which has no words.
constexpr std::array<std::string_view, 6> kForbidden{"AccessDenied",          "AccessDeniedException",
                                                     "UnauthorizedOperation", "AuthorizationError",
                                                     "UnauthorizedAccess",    "HTTP 403"};

bool is_passing_answer(int status, std::string_view code) {
  return status == 500 || status == 502 || status == 503 || status == 504 || is_passing(code);
}

/// How it is said depends on the service.
bool is_about_time(std::string_view code, std::string_view said) {
  return code == "RequestTimeTooSkewed" || code == "RequestExpired" ||
         (code == "SignatureDoesNotMatch" &&
          (said.find("Signature expired") != said.npos || said.find("not yet current") != said.npos));
}

std::chrono::milliseconds pause_before(int attempt) {
  static thread_local std::minstd_rand random{std::random_device{}()};
  const auto most = std::min(std::chrono::milliseconds(1000) * (1 << (attempt - 1)), kLongestPause);
  return std::chrono::milliseconds(
      std::uniform_int_distribution<long>(0, static_cast<long>(most.count()))(random));
}

std::string with_action(const std::string& action, const ErrorAnswer& said) {
  return action +
         " was refused: " + (said.message.empty() ? said.code : said.message + " (" + said.code + ")");
}

/// Whether the bucket that was asked is in another region: how it is said depends on which, and on the
/// request. Of one that accounts have to enable it is not said which; and the answer to a HEAD has no words.
bool is_elsewhere(const std::string& method, int status, const ErrorAnswer& said) {
  const bool head = method == "HEAD";
  if (said.region.empty())
    return said.code == "IllegalLocationConstraintException" || said.code == "PermanentRedirect" ||
           (head && (status == 301 || status == 400));
  return status == 301 || status == 307 || status == 400 || (head && status == 403);
}

Elsewhere elsewhere(const std::string& action, const ErrorAnswer& said) {
  if (said.region.empty())
    return {{ProblemCause::destination,
             with_action(action, said),
             "where the bucket is in another region, name it at a destination of that one",
             {},
             {}},
            {}};
  return {{ProblemCause::destination,
           action + " was refused: the bucket is in " + said.region,
           "name it at a destination of that region",
           {},
           {}},
          said.region};
}

ApiError error_of(const std::string& action, const std::string& region, int status, const ErrorAnswer& said) {
  Problem problem{ProblemCause::destination, with_action(action, said), {}, {}, {}};
  if (is_passing_answer(status, said.code)) {
    problem.cause = ProblemCause::transient;
  } else if (is_about_time(said.code, said.message)) {
    problem.cause = ProblemCause::transient;
    problem.hint = "set this machine's clock";
  } else if (is_one_of(said.code, kExpired)) {
    problem.cause = ProblemCause::transient;
    problem.hint = "the credentials have expired: renew them";
  } else if (is_one_of(said.code, kRefusedKey)) {
    problem.hint =
        said.message.find("region") == std::string::npos
            ? "the access key is unknown, or its secret is another one: correct the credentials" +
                  (said.code == kUnknownKey ? ", or enable the region " + region + " in the account" : "")
            : "see whether `region` of the destination is one, and whether the credentials are right";
  } else if (is_forbidden(said.code)) {
    problem.hint = "allow the action in the identity's IAM policy";
  }
  return {std::move(problem), said.code, said.message};
}

}  // namespace

bool is_passing(std::string_view code) {
  return is_one_of(code, kThrottling) || is_one_of(code, kPassing);
}

bool is_forbidden(std::string_view code) {
  return is_one_of(code, kForbidden);
}

Client::Client(const Settings& settings, const Clock& clock)
    : settings_(settings),
      clock_(clock),
      credentials_(settings,
                   {clock, process_environment,
                    [this](const auto& method, const auto& url, const auto& headers, const auto& body) {
                      return http_.send(method, url, headers, body, kCredentialsTake, {});
                    }}),
      limiter_(clock) {}

Value Client::call(const Service& service, const std::string& action, const Fields& parameters,
                   const Cancelled& cancelled, const std::string& region) {
  Settings there = settings_;
  if (!region.empty()) there.region = region;
  const auto response = answer_to(
      std::string(service.id) + ":" + action, there.region,
      [&](const Credentials& credentials, WallMicros now) {
        return query_request(service, action, parameters, there, &credentials, now);
      },
      cancelled);
  return read_answer(response.body, action);
}

HttpResponse Client::send(const Service& service, const std::string& name, const std::string& base,
                          const Request& request, const Cancelled& cancelled, const std::string& region) {
  Settings there = settings_;
  there.region = region;
  return answer_to(
      name, region,
      [&](const Credentials& credentials, WallMicros now) {
        return rest_request(service, base, request, there, credentials, now);
      },
      cancelled);
}

HttpResponse Client::answer_to(const std::string& name, const std::string& region, const Compose& compose,
                               const Cancelled& cancelled) {
  bool afresh = false, minded_time = false;
  for (int tried = 1;; ++tried) {
    const bool last = tried >= kAttempts || quota_.load() < kRetryCost || (cancelled && cancelled());
    try {
      const auto credentials = credentials_.get(std::exchange(afresh, false));
      std::this_thread::sleep_for(limiter_.take());
      const auto out = compose(credentials, clock_.wall() + skew_.load());
      auto response = http_.send(out.method, out.url, out.headers, out.body, kTimeout, cancelled);
      if (response.status / 100 == 2) {
        limiter_.answered(false);
        quota_ = std::min(kQuota, quota_.load() + 1);
        return response;
      }
      ErrorAnswer said = read_error(response.body);
      if (said.code.empty()) said.code = "HTTP " + std::to_string(response.status);  // a proxy's, say
      limiter_.answered(is_one_of(said.code, kThrottling));
      const auto theirs = response.date();
      if (is_about_time(said.code, said.message) && theirs && !std::exchange(minded_time, true)) {
        const WallMicros skew = *theirs - clock_.wall();
        if (std::abs(skew - skew_.load()) > kSkewMatters) {
          log::warning("the clock of this machine is wrong", {{"seconds", skew / 1'000'000}});
          skew_ = skew;
          continue;
        }
      }
      if (said.region.empty()) said.region = response.header("x-amz-bucket-region");
      if (said.region != region && is_elsewhere(out.method, response.status, said))
        throw elsewhere(name, said);
      const auto error = error_of(name, region, response.status, said);
      const bool key = is_one_of(said.code, kExpired) || is_one_of(said.code, kRefusedKey);
      if (last || !(is_passing_answer(response.status, said.code) || (key && tried == 1))) throw error;
      afresh = key;
      if (key) continue;  // others may have been written meanwhile
    } catch (const ApiError&) {
      throw;
    } catch (const Failure& failure) {
      if (last || failure.cause() != ProblemCause::transient) throw;
    }
    quota_ -= kRetryCost;
    std::this_thread::sleep_for(pause_before(tried));
  }
}

}  // namespace gitopsd::aws
