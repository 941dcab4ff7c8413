#include "providers/kubernetes/certificate.h"

#include <doctest/doctest.h>

#include "tests/unit/kubernetes/test_certificate.h"

using namespace gitopsd;
using namespace gitopsd::kubernetes;

namespace {

constexpr WallMicros kSecond = 1'000'000;
constexpr WallMicros kFrom = 1'700'000'000 * kSecond;   // 2023-11-14T22:13:20Z
constexpr WallMicros kUntil = 1'800'000'000 * kSecond;  // 2027-01-15T08:00:00Z

std::string problem_at(const std::string& pem, WallMicros now) {
  return certificate_problem(pem, now).value_or("good");
}

}  // namespace

TEST_CASE("the certificate that is out of its time is named") {
  const auto leaf = make_certificate("kubernetes-admin", kFrom, kUntil);
  const auto longer = make_certificate("Zürich CA", kFrom, kUntil + 1000 * kSecond);
  CHECK(problem_at(leaf.certificate, kUntil) == "good");
  CHECK(problem_at(leaf.certificate, kUntil + 1) ==
        "the certificate of 'CN=kubernetes-admin' expired at 2027-01-15T08:00:00Z");
  CHECK(problem_at(leaf.certificate, kFrom - 1) ==
        "the certificate of 'CN=kubernetes-admin' is not valid before 2023-11-14T22:13:20Z");
  const std::string chain = leaf.certificate + leaf.key + longer.certificate;
  CHECK(problem_at(chain, kUntil) == "good");
  CHECK(problem_at(longer.certificate + leaf.certificate, kUntil + kSecond) ==
        "the certificate of 'CN=kubernetes-admin' expired at 2027-01-15T08:00:00Z");
  CHECK(problem_at(longer.certificate, kUntil + 1001 * kSecond) ==
        "the certificate of 'CN=Zürich CA' expired at 2027-01-15T08:16:40Z");
}

TEST_CASE("a text without a whole certificate says so") {
  const auto leaf = make_certificate("a", kFrom, kUntil);
  CHECK(problem_at("", kFrom) == "the text holds no certificate in PEM form");
  CHECK(problem_at(leaf.key, kFrom) == "the text holds no certificate in PEM form");
  std::string broken = leaf.certificate;
  broken[60] = '!';
  CHECK(problem_at(broken, kFrom) == "certificate 1 of the PEM text cannot be read");
  CHECK(problem_at(leaf.certificate + broken, kFrom) == "certificate 2 of the PEM text cannot be read");
  CHECK(problem_at(leaf.certificate + leaf.certificate.substr(0, 100), kFrom) ==
        "certificate 2 of the PEM text cannot be read");
}

TEST_CASE("a key proves its own certificate only") {
  const auto one = make_certificate("one", kFrom, kUntil), two = make_certificate("two", kFrom, kUntil);
  CHECK_FALSE(key_problem(one.certificate + two.certificate, one.key));
  CHECK(key_problem(one.certificate, two.key) == "the key does not belong to the certificate of 'CN=one'");
  CHECK(key_problem(one.certificate, "") == "the key is no unencrypted PEM text that can be read");
  CHECK(key_problem("x", one.key) == "the certificate is no PEM text that can be read");
}
