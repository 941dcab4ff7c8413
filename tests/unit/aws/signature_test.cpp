// AWS's own test vectors, as the crate aws-sigv4 1.6.4 publishes them (Apache-2.0), in one file: 38 requests
// with what is to be signed and the signature.
#include "providers/aws/signature.h"

#include <doctest/doctest.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/timestamp.h"

using namespace gitopsd;
using namespace gitopsd::aws;

namespace {

/// As it is meant, from how it is sent.
std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = text[i] == '%' ? from_hex(text.substr(i + 1, 2)) : std::nullopt;
    out += byte ? *byte : std::string(1, text[i]);
    if (byte) i += 2;
  }
  return out;
}

Request request_of(const Value& vector) {
  Request request;
  request.method = vector.get_string("method");
  const std::string target = vector.get_string("target");
  const auto question = target.find('?');
  request.path = decoded(target.substr(0, question));
  for (std::size_t at = question; at < target.size();) {
    const auto end = std::min(target.find('&', at + 1), target.size());
    const auto pair = target.substr(at + 1, end - at - 1);
    const auto equals = std::min(pair.find('='), pair.size());
    if (!pair.empty())
      request.query.emplace_back(decoded(pair.substr(0, equals)),
                                 equals < pair.size() ? decoded(pair.substr(equals + 1)) : "");
    at = end;
  }
  for (const Value& header : vector.get_array("headers")) {
    const std::string name = header.as_array()[0].as_string();
    if (name != "Host") request.headers.emplace_back(name, header.as_array()[1].as_string());
  }
  request.body = vector.get_string("body");
  return request;
}

std::string host_of(const Value& vector) {
  for (const Value& header : vector.get_array("headers"))
    if (header.as_array()[0].as_string() == "Host") return header.as_array()[1].as_string();
  return {};
}

}  // namespace

TEST_CASE("requests are signed as AWS's vectors say") {
  const Value vectors = parse_json(read_file(GITOPSD_VECTORS));
  CHECK(vectors.as_array().size() == 38);
  for (const Value& vector : vectors.as_array()) {
    CAPTURE(vector.get_string("name"));
    const Value& context = *vector.find("context");
    const Value& key = *context.find("credentials");
    Credentials credentials{
        key.get_string("access_key_id"), Secret(key.get_string("secret_access_key")), Secret(), {}};
    const std::string token = key.get_string("token");
    const bool unsigned_token = context.get_bool("omit_session_token");
    if (!unsigned_token) credentials.session_token = Secret(token);
    const Scope scope{context.get_string("region"), context.get_string("service"),
                      context.get_bool("normalize"), context.get_bool("sign_body")};
    const Request request = request_of(vector);
    const auto signature = sign(request, host_of(vector), to_hex(sha256(request.body)), credentials, scope,
                                *parse_rfc3339(context.get_string("timestamp")));
    CHECK(signature.canonical_request == vector.get_string("canonical"));
    CHECK(signature.string_to_sign == vector.get_string("string"));
    CHECK(signature.headers.back().second.ends_with("Signature=" + vector.get_string("signature")));
  }
}

TEST_CASE("a header of which another's name is the beginning is signed in its place") {
  Request request;
  request.method = "PUT";
  request.headers = {{"x-amz-server-side-encryption-aws-kms-key-id", "k"},
                     {"x-amz-server-side-encryption", "aws:kms"}};
  const auto signature = sign(request, "h", to_hex(sha256("")), {"A", Secret("s"), Secret(), {}},
                              {"eu-central-1", "s3", false, true}, 0);
  CHECK(signature.canonical_request.find("x-amz-server-side-encryption:aws:kms\n"
                                         "x-amz-server-side-encryption-aws-kms-key-id:k\n") !=
        std::string::npos);
}
