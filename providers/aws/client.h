// Calls of AWS's APIs: signed, tried again as AWS's SDKs do, their errors by meaning.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/problem.h"
#include "base/value.h"
#include "providers/aws/credentials.h"
#include "providers/aws/endpoint.h"
#include "providers/aws/http.h"
#include "providers/aws/query.h"
#include "providers/aws/rate_limiter.h"

namespace gitopsd::aws {

/// An answer of AWS that is an error.
class ApiError : public Failure {
 public:
  ApiError(Problem problem, std::string code, std::string said)
      : Failure(std::move(problem)), code_(std::move(code)), said_(std::move(said)) {}
  const std::string& code() const { return code_; }  ///< "ValidationError"
  const std::string& said() const { return said_; }  ///< AWS's message alone

 private:
  std::string code_, said_;
};

/// What was asked is in another region than the request was for, as only S3 says; empty where it does not say
/// which.
class Elsewhere : public Failure {
 public:
  Elsewhere(Problem problem, std::string region) : Failure(std::move(problem)), region_(std::move(region)) {}
  const std::string& region() const { return region_; }

 private:
  std::string region_;
};

/// Whether the same may be asked again, by an error's code alone: one that stands within an answer of
/// success.
bool is_passing(std::string_view code);
/// Whether the identity lacks the right.
bool is_forbidden(std::string_view code);

using Cancelled = std::function<bool()>;

/// Thread-safe.
class Client {
 public:
  Client(const Settings&, const Clock&);

  /// An action of the query protocol (POST); what stands in `<ActionResult>`. `region` empty: the
  /// destination's. Throws ApiError, or Failure where no answer came.
  Value call(const Service&, const std::string& action, const Fields& parameters, const Cancelled& = {},
             const std::string& region = {});

  /// A request of a service that has a protocol of its own (S3). `base` begins its URL, before the path;
  /// `name` says in errors what is asked of what: "s3:PutObject of arn:aws:s3:::bucket/key". Throws as `call`
  /// does, or Elsewhere.
  HttpResponse send(const Service&, const std::string& name, const std::string& base, const Request&,
                    const Cancelled&, const std::string& region);

  const Settings& settings() const { return settings_; }
  std::string access_key_id() { return credentials_.get().access_key_id; }

 private:
  using Compose = std::function<Outgoing(const Credentials&, WallMicros now)>;
  /// Asks until there is an answer of success, as often as AWS's SDKs would.
  HttpResponse answer_to(const std::string& name, const std::string& region, const Compose&,
                         const Cancelled&);

  const Settings settings_;
  const Clock& clock_;
  Http http_;
  CredentialChain credentials_;
  /// AWS's clock less ours, where they are far apart.
  std::atomic<WallMicros> skew_{0};
  RateLimiter limiter_;
  /// Retries that are allowed still: what SDKs call the retry quota, shared by all calls.
  static constexpr int kQuota = 500;
  std::atomic<int> quota_{kQuota};
};

}  // namespace gitopsd::aws
