#include "providers/aws/signature.h"

#include <algorithm>
#include <ctime>
#include <map>

#include "base/hash.h"

namespace gitopsd::aws {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

/// `20150830T123600Z`
std::string basic_time(WallMicros now) {
  const std::time_t seconds = now / 1'000'000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts)};
}

std::string bytes_of(const Sha256& digest) {
  return {digest.begin(), digest.end()};
}

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

/// Without white space at both ends, and with one blank for each run of it.
std::string one_spaced(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
      out += c;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

/// RFC 3986, section 5.2.4, and without empty segments.
std::string normalised(std::string_view path) {
  std::vector<std::string_view> segments;
  for (std::size_t at = 0; at < path.size();) {
    const auto end = std::min(path.find('/', at), path.size());
    const auto segment = path.substr(at, end - at);
    if (segment == ".." && !segments.empty()) segments.pop_back();
    if (!segment.empty() && segment != "." && segment != "..") segments.push_back(segment);
    at = end + 1;
  }
  std::string out;
  for (const auto& segment : segments) out += "/" + std::string(segment);
  return out.empty() || path.ends_with('/') ? out + "/" : out;
}

std::string canonical_path(const std::string& path, const Scope& scope) {
  return percent_encode(scope.normalise_path ? normalised(path) : path, "/");
}

}  // namespace

Signature sign(const Request& request, const std::string& host, const std::string& payload,
               const Credentials& credentials, const Scope& scope, WallMicros now) {
  Signature out;
  const std::string time = basic_time(now), day = time.substr(0, 8);
  out.headers.emplace_back("X-Amz-Date", time);
  if (scope.payload_header) out.headers.emplace_back("X-Amz-Content-Sha256", payload);
  if (!credentials.session_token.empty())
    out.headers.emplace_back("X-Amz-Security-Token", credentials.session_token.reveal());

  std::map<std::string, std::string> signed_headers{{"host", host}};
  for (const Fields* fields : {&request.headers, static_cast<const Fields*>(&out.headers)}) {
    for (const auto& [name, value] : *fields) {
      auto& all = signed_headers[lower(name)];
      all += (all.empty() ? "" : ",") + one_spaced(value);
    }
  }
  std::string names, lines;
  for (const auto& [name, value] : signed_headers) {
    names += (names.empty() ? "" : ";") + name;
    lines += name + ":" + value + "\n";
  }
  out.canonical_request = request.method + "\n" + canonical_path(request.path, scope) + "\n" +
                          canonical_query(request.query) + "\n" + lines + "\n" + names + "\n" + payload;
  const std::string scope_text = day + "/" + scope.region + "/" + scope.service + "/aws4_request";
  out.string_to_sign = std::string(kAlgorithm) + "\n" + time + "\n" + scope_text + "\n" +
                       to_hex(sha256(out.canonical_request));

  Secret key("AWS4" + std::string(credentials.secret_access_key.reveal()));
  for (const auto& part : {day, scope.region, scope.service, std::string("aws4_request")})
    key = Secret(bytes_of(hmac_sha256(key.reveal(), part)));
  const std::string signature = to_hex(hmac_sha256(key.reveal(), out.string_to_sign));
  out.headers.emplace_back("Authorization",
                           std::string(kAlgorithm) + " Credential=" + credentials.access_key_id + "/" +
                               scope_text + ", SignedHeaders=" + names + ", Signature=" + signature);
  return out;
}

}  // namespace gitopsd::aws
