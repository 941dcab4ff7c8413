#include "providers/kubernetes/token.h"

#include <doctest/doctest.h>

#include "base/hash.h"

using namespace gitopsd;
using namespace gitopsd::kubernetes;

namespace {

constexpr WallMicros kTokenNow = 1'795'521'600'000'000;  // 2026-11-24T12:00:00Z

/// As RFC 7515 encodes it: base64 for URLs, without padding.
std::string token_of_claims(const std::string& claims) {
  std::string text = to_base64(claims);
  while (text.ends_with('=')) text.pop_back();
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return "eyJhbGciOiJSUzI1NiJ9." + text + ".c2lnbmF0dXJl";
}

std::string said_of(const std::string& claims) {
  return token_problem(token_of_claims(claims), kTokenNow);
}

}  // namespace

TEST_CASE("a token tells when it expired") {
  CHECK(said_of(R"({"exp":1795521601})").empty());
  CHECK(said_of(R"({"exp":1795521600,"sub":"a"})") == "expired at 2026-11-24T12:00:00Z");
  CHECK(said_of(R"({"exp":1577836800,"sub":"ab"})") == "expired at 2020-01-01T00:00:00Z");
  CHECK(said_of(R"({"exp":1577836800,"sub":"~~~???>>>"})") == "expired at 2020-01-01T00:00:00Z");
  CHECK(said_of(R"({"nbf":1795521661})") == "is not valid before 2026-11-24T12:01:01Z");
}

TEST_CASE("what tells nothing is no expired token") {
  for (const char* token : {"", "abc", "a.b", "a.b.c", "..", "a.!!!.c", "0123456789abcdef"})
    CHECK(token_problem(token, kTokenNow).empty());
  for (const char* claims :
       {"[]", "{}", "1", R"({"exp":"1"})", R"({"exp":-1})", R"({"exp":9223372036854775807})"})
    CHECK(said_of(claims).empty());
}
