#include "providers/aws/receipt.h"

#include <doctest/doctest.h>

using namespace gitopsd;
using namespace gitopsd::aws;

TEST_CASE("a template is the same with a question mark for each character beyond ASCII") {
  const Digests digests(Secret("key"));
  CHECK(digests.of_template("a: \xC3\xBC \xE2\x82\xAC \xF0\x9F\x98\x80") == digests.of_template("a: ? ? ?"));
  CHECK(digests.of_template("a: \xC3\xBC") != digests.of_template("a: ??"));
  CHECK(digests.of_template("a: b") != digests.of_template("a: c"));
  CHECK(digests.of_template("a: b") == digests.of_text("a: b"));
}

TEST_CASE("a receipt keeps what it remembers") {
  Receipt receipt{"arn:web", "t", "f", "u"};
  receipt.requires_ = {"eu-west-1/net", "web-db"};
  receipt.taken["Url"] = {"net", "QueueUrl", "d"};
  receipt.begun = {"token", "2026-11-01T00:00:00Z", 17};
  const auto read = Receipt::parse(receipt.text());
  REQUIRE(read);
  CHECK(read->requires_ == receipt.requires_);
  REQUIRE(read->taken.contains("Url"));
  CHECK(read->taken.at("Url").stack == "net");
  CHECK(read->taken.at("Url").output == "QueueUrl");
  CHECK(read->taken.at("Url").digest == "d");
  REQUIRE(read->begun);
  CHECK(read->begun->token == "token");
  CHECK(read->begun->before == "2026-11-01T00:00:00Z");
  CHECK(read->begun->at == 17);
  const auto older = Receipt::parse(R"({"stack": "arn:web", "template": "t", "facts": "f", "updated": "u"})");
  REQUIRE(older);
  CHECK_FALSE(older->begun);
  CHECK(older->requires_.empty());
  CHECK(older->taken.empty());
}
