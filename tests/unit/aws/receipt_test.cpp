#include "providers/aws/receipt.h"

#include <doctest/doctest.h>

#include "providers/protocol/fields.h"

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
  receipt.taken = {{{"net", {"QueueUrl", "VpcId"}}}, "d"};
  receipt.begun = {"token", "2026-11-01T00:00:00Z", 17};
  const auto read = Receipt::parse(receipt.text());
  REQUIRE(read);
  CHECK(read->requires_ == receipt.requires_);
  CHECK(read->taken.outputs == receipt.taken.outputs);
  CHECK(read->taken.digest == "d");
  REQUIRE(read->begun);
  CHECK(read->begun->token == "token");
  CHECK(read->begun->before == "2026-11-01T00:00:00Z");
  CHECK(read->begun->at == 17);
  const auto older = Receipt::parse(R"({"stack": "arn:web", "template": "t", "facts": "f", "updated": "u"})");
  REQUIRE(older);
  CHECK_FALSE(older->begun);
  CHECK(older->requires_.empty());
  CHECK(older->taken.digest.empty());
}

TEST_CASE("a receipt is never longer than one may be") {
  Receipt receipt{
      "arn:aws:cloudformation:eu-central-1:123456789012:stack/prod-eu-web-app/" + std::string(36, 'i'),
      std::string(32, 't'), std::string(32, 'f'), "2026-11-01T00:00:00.000Z"};
  receipt.requires_ = {"prod-eu-network-shared"};
  receipt.begun = {std::string(56, 't'), "2026-11-01T00:00:00.000Z", 1'795'000'000'000'000};
  receipt.taken.digest = std::string(16, 'd');
  for (int i = 0; i < 20; ++i)
    receipt.taken.outputs["prod-eu-network-shared"].insert("PrivateSubnet" + std::to_string(i));
  auto read = Receipt::parse(receipt.text());
  REQUIRE(read);
  CHECK(read->taken.outputs == receipt.taken.outputs);

  for (int i = 0; i < 100; ++i)
    receipt.taken.outputs["prod-eu-network-shared"].insert("PublicSubnet" + std::to_string(i));
  CHECK(receipt.text().size() <= protocol::kMaxReceipt);
  read = Receipt::parse(receipt.text());
  REQUIRE(read);
  CHECK(read->taken.digest.empty());
  CHECK(read->requires_ == receipt.requires_);
  REQUIRE(read->begun);
  for (int i = 0; i < 100; ++i) receipt.requires_.push_back("prod-eu-network-" + std::to_string(i));
  CHECK(receipt.text().size() <= protocol::kMaxReceipt);
  CHECK(Receipt::parse(receipt.text())->begun);
}
