#include "providers/aws/credential_answer.h"

#include "base/json.h"
#include "base/problem.h"
#include "base/timestamp.h"

namespace gitopsd::aws {
namespace {

Credentials credentials_of(const Value& in, const std::string& whose) {
  Credentials out;
  out.access_key_id = in.get_string("AccessKeyId");
  out.secret_access_key = Secret(in.get_string("SecretAccessKey"));
  out.session_token = Secret(in.get_string("SessionToken", in.get_string("Token")));
  const std::string expires = in.get_string("Expiration");
  if (out.access_key_id.empty() || out.secret_access_key.empty())
    throw fail(ProblemCause::destination, whose + " gives no AccessKeyId and SecretAccessKey");
  if (expires.empty()) return out;
  out.expires = parse_rfc3339(expires);
  if (!out.expires)
    throw fail(ProblemCause::destination, whose + " gives an Expiration that is no time: " + expires);
  return out;
}

}  // namespace

Credentials read_credentials(const std::string& json, const std::string& whose) {
  Value value;
  try {
    value = parse_json(json);
  } catch (const Failure&) {  // its words would show what is in it
    throw fail(ProblemCause::destination, whose + " does not answer in JSON");
  }
  if (!value.is_object())
    throw fail(ProblemCause::destination, whose + " does not answer with a JSON object");
  return credentials_of(value, whose);
}

Credentials sts_credentials(const Value& result, const std::string& whose) {
  const Value* credentials = result.find("Credentials");
  if (!credentials) throw fail(ProblemCause::destination, whose + " gives no Credentials");
  return credentials_of(*credentials, whose);
}

}  // namespace gitopsd::aws
