#include <doctest/doctest.h>

#include "deliveries.h"

using namespace gitopsd;
using namespace gitopsd::handlers;
using Kind = Outcome::Kind;

namespace {

const std::string kKey = "0123456789abcdef0123456789abcdef";
const std::string kSigning = "whsec_" + to_base64(kKey);
const std::string kId = "f5e5f430-f57b-4e6e-9fac-d9128cd7232f";

std::string signature(const std::string& id, const std::string& time, const std::string& body,
                      const std::string& key = kKey) {
  const Sha256 mac = hmac_sha256(key, id + "." + time + "." + body);
  return "v1," + to_base64({reinterpret_cast<const char*>(mac.data()), mac.size()});
}

Sent signed_push(const std::string& body = gitlab_body(), std::int64_t seconds = 1'700'000'000) {
  const auto time = std::to_string(seconds);
  return gitlab_push(body)
      .drop("X-Gitlab-Token")
      .set("webhook-id", kId)
      .set("webhook-timestamp", time)
      .set("webhook-signature", signature(kId, time, body));
}

Outcome gitlab_with(const std::string& from, const std::string& to) {
  return gitlab_push(replaced(gitlab_body(), from, to)).to("gitlab");
}

}  // namespace

TEST_CASE("A GitLab push with a secret token becomes one event, whose body is not proven") {
  const auto outcome = gitlab_push().to("gitlab");
  REQUIRE(outcome.kind == Kind::accepted);
  CHECK_FALSE(outcome.body_signed);
  CHECK(outcome.digest == sha256(gitlab_body()));
  CHECK(outcome.delivery.str() == kId);
  CHECK(outcome.event == "push");
  CHECK(outcome.repository.full_name == "group/sub/app");
  CHECK(outcome.repository.urls.size() == 3);
  REQUIRE(outcome.pushes.size() == 1);
  CHECK(outcome.pushes[0].ref.str() == "refs/heads/main");
  CHECK(outcome.pushes[0].after.str() == kAfter);
  CHECK(outcome.pushes[0].actor == "jsmith");
}

TEST_CASE("A signing token proves the body") {
  const auto outcome = signed_push().to("gitlab", {kSigning});
  REQUIRE(outcome.kind == Kind::accepted);
  CHECK(outcome.body_signed);
  CHECK(outcome.delivery.str() == kId);
  // A retry is signed anew, and is the same delivery all the same.
  CHECK(signed_push(gitlab_body(), 1'700'000'060).to("gitlab", {kSigning}).digest == outcome.digest);
  CHECK(signed_push().to("gitlab", {"whsec_" + to_base64(std::string(32, 'o')), kSigning}).kind ==
        Kind::accepted);
  auto changed = signed_push();
  changed.body[10] ^= 1;
  CHECK(changed.to("gitlab", {kSigning}).kind == Kind::unauthenticated);
}

TEST_CASE("One right signature among several is enough") {
  const auto right = signature(kId, "1700000000", gitlab_body());
  const auto wrong = signature(kId, "1700000000", gitlab_body(), std::string(32, 'w'));
  const auto answer = [](const std::string& header) {
    return signed_push().set("webhook-signature", header).to("gitlab", {kSigning}).kind;
  };
  CHECK(answer(wrong + " " + right) == Kind::accepted);
  CHECK(answer(right + " " + wrong) == Kind::accepted);
  CHECK(answer("v1a,xyz " + right) == Kind::accepted);
  CHECK(answer(wrong) == Kind::unauthenticated);
  CHECK(answer("") == Kind::unauthenticated);
  CHECK(answer(right.substr(3)) == Kind::unauthenticated);
  CHECK(answer("V1" + right.substr(2)) == Kind::unauthenticated);
  CHECK(answer("v2" + right.substr(2)) == Kind::unauthenticated);
  CHECK(answer(right + "=") == Kind::unauthenticated);
  CHECK(answer(right.substr(0, right.size() - 4)) == Kind::unauthenticated);
  std::string many;
  for (int i = 0; i < 16; ++i) many += wrong + " ";
  CHECK(answer(many + right) == Kind::unauthenticated);
}

TEST_CASE("A timestamp more than five minutes off is refused") {
  CHECK(signed_push(gitlab_body(), 1'700'000'300).to("gitlab", {kSigning}).kind == Kind::accepted);
  CHECK(signed_push(gitlab_body(), 1'699'999'700).to("gitlab", {kSigning}).kind == Kind::accepted);
  CHECK(signed_push(gitlab_body(), 1'700'000'301).to("gitlab", {kSigning}).kind == Kind::unauthenticated);
  CHECK(signed_push(gitlab_body(), 1'699'999'699).to("gitlab", {kSigning}).kind == Kind::unauthenticated);
  for (const std::string time :
       {"", "x", "-1", "1700000000.0", " 1700000000", "99999999999999999999", "+1700000000"}) {
    auto sent = signed_push()
                    .set("webhook-timestamp", time)
                    .set("webhook-signature", signature(kId, time, gitlab_body()));
    CHECK(sent.to("gitlab", {kSigning}).kind == Kind::unauthenticated);
  }
}

TEST_CASE("The signed text cannot be split elsewhere") {
  const std::string id = "a.1", body = gitlab_body();
  auto sent = signed_push().set("webhook-id", id).set("webhook-signature", signature(id, "1700000000", body));
  CHECK(sent.to("gitlab", {kSigning}).kind == Kind::unauthenticated);
}

TEST_CASE("Doubled or missing proofs are refused") {
  for (const std::string name : {"webhook-id", "webhook-timestamp", "webhook-signature"}) {
    CHECK(signed_push().add(name, "x").to("gitlab", {kSigning}).kind == Kind::unauthenticated);
    CHECK(signed_push().drop(name).to("gitlab", {kSigning}).kind == Kind::unauthenticated);
  }
  CHECK(gitlab_push().drop("X-Gitlab-Token").to("gitlab").kind == Kind::unauthenticated);
  CHECK(gitlab_push().add("X-Gitlab-Token", kSecret).to("gitlab").kind == Kind::unauthenticated);
  CHECK(gitlab_push().set("X-Gitlab-Token", "").to("gitlab", {""}).kind == Kind::unauthenticated);
  CHECK(gitlab_push().set("X-Gitlab-Token", kSecret + "x").to("gitlab").kind == Kind::unauthenticated);
  CHECK(gitlab_push().to("gitlab", {}).kind == Kind::unauthenticated);
}

TEST_CASE("Neither proof stands in for the other") {
  // The signing token sent as if it were a secret token.
  CHECK(gitlab_push().set("X-Gitlab-Token", kSigning).to("gitlab", {kSigning}).kind == Kind::unauthenticated);
  // A wrong signature is not made good by a right token.
  auto both = signed_push().set("webhook-signature", signature(kId, "1", "")).set("X-Gitlab-Token", kSecret);
  CHECK(both.to("gitlab", {kSigning, kSecret}).kind == Kind::unauthenticated);
  // Without a signing token configured only the token counts.
  CHECK(signed_push().set("X-Gitlab-Token", kSecret).to("gitlab").kind == Kind::accepted);
  CHECK_FALSE(signed_push().set("X-Gitlab-Token", kSecret).to("gitlab").body_signed);
  // A signing token that is no base64 proves nothing.
  CHECK(signed_push().to("gitlab", {"whsec_***"}).kind == Kind::unauthenticated);
  CHECK(signed_push().to("gitlab", {"whsec_"}).kind == Kind::unauthenticated);
}

TEST_CASE("The delivery id is the one that a retry keeps") {
  CHECK(gitlab_push().drop("Idempotency-Key").to("gitlab").delivery.str() ==
        "13792a34-cac6-4fda-95a8-c58e00a3954e");
  CHECK(gitlab_push().drop("Idempotency-Key").drop("X-Gitlab-Event-UUID").to("gitlab").kind ==
        Kind::malformed);
  CHECK(gitlab_push().add("Idempotency-Key", "b").to("gitlab").kind == Kind::malformed);
  CHECK(gitlab_push().set("Idempotency-Key", "a b").to("gitlab").kind == Kind::malformed);
}

TEST_CASE("Tag pushes and system hooks") {
  auto tag = gitlab_push(replaced(gitlab_body("tag_push"), "refs/heads/main", "refs/tags/v1"))
                 .set("X-Gitlab-Event", "Tag Push Hook");
  CHECK(tag.to("gitlab").pushes.at(0).ref.str() == "refs/tags/v1");
  CHECK(tag.to("gitlab").event == "tag_push");
  CHECK(tag.set("X-Gitlab-Event", "System Hook").to("gitlab").kind == Kind::accepted);

  const auto system = replaced(gitlab_body(), "\"object_kind\":\"push\",", "");
  CHECK(gitlab_push(system).set("X-Gitlab-Event", "System Hook").to("gitlab").kind == Kind::accepted);
  const auto other = gitlab_push(R"({"event_name":"user_create","name":"x"})")
                         .set("X-Gitlab-Event", "System Hook")
                         .to("gitlab");
  CHECK(other.kind == Kind::ignored);
  CHECK(other.reason == "system event user_create is not a push");
  CHECK(gitlab_push(R"({"name":"x"})").set("X-Gitlab-Event", "System Hook").to("gitlab").kind ==
        Kind::malformed);
  CHECK(gitlab_push(gitlab_body("tag_push")).to("gitlab").kind == Kind::malformed);
  CHECK(gitlab_push().set("X-Gitlab-Event", "Merge Request Hook").to("gitlab").kind == Kind::ignored);
}

TEST_CASE("A repository update moves several refs, which are several events") {
  const std::string project = gitlab_body().substr(gitlab_body().find("\"project\":"));
  const auto update = [&](const std::string& changes) {
    return gitlab_push(R"({"event_name":"repository_update","user_name":"J","changes":)" + changes + "," +
                       project)
        .set("X-Gitlab-Event", "System Hook")
        .to("gitlab");
  };
  const auto change = [](const std::string& ref, const std::string& before, const std::string& after) {
    return R"({"before":")" + before + R"(","after":")" + after + R"(","ref":")" + ref + "\"}";
  };
  const auto outcome =
      update("[" + change("refs/heads/a", kBefore, kAfter) + "," + change("refs/heads/b", kZero, kAfter) +
             "," + change("refs/tags/v1", kBefore, kZero) + "]");
  REQUIRE(outcome.kind == Kind::accepted);
  REQUIRE(outcome.pushes.size() == 3);
  CHECK(outcome.pushes[1].before.empty());
  CHECK(outcome.pushes[2].deleted);
  CHECK(outcome.pushes[2].actor == "J");
  for (const char* changes : {"null", "{}", "[]", "[1]", "[{}]", "\"x\""}) {
    CAPTURE(changes);
    const auto wrong = update(changes);
    CHECK(wrong.kind == Kind::malformed);
    CHECK(wrong.pushes.empty());
  }
}

TEST_CASE("Fields of the wrong type are malformed, with the field's name") {
  const std::string rest = gitlab_body().substr(gitlab_body().find("\"project\":"));
  const std::string project = rest.substr(0, rest.find("},") + 1);
  const struct {
    std::string from, to, name;
  } cases[] = {
      {project, "\"project\":null", "`project`"},
      {project, "\"project\":[]", "`project`"},
      {project, "\"project\":{}", "`path_with_namespace`"},
      {project, "\"x\":{}", "`project`"},
      {"\"git_http_url\":\"https", "\"git_http_url\":5,\"x\":\"https", "`git_http_url`"},
      {"\"commits\":[{\"id\":\"x\"}]", "\"commits\":7", "`commits`"},
      {"\"commits\":[{\"id\":\"x\"}]", "\"x\":7", "`commits`"},
      {"\"commits\":[{\"id\":\"x\"}]", "\"commits\":[null]", "`commits`"},
      {"\"ref\":\"refs/heads/main\"", "\"ref\":\"refs/heads/a..b\"", "`ref`"},
      {"\"object_kind\":\"push\"", "\"object_kind\":5", "`object_kind`"},
      {"\"user_username\":\"jsmith\"", "\"user_username\":{}", "`user_username`"},
  };
  for (const auto& one : cases) {
    CAPTURE(one.to);
    const auto outcome = gitlab_with(one.from, one.to);
    CHECK(outcome.kind == Kind::malformed);
    CHECK(outcome.reason.find(one.name) != std::string::npos);
  }
  const auto checkout = "\"checkout_sha\":\"" + kAfter + "\"";
  CHECK(gitlab_with(checkout, "\"checkout_sha\":null").kind == Kind::accepted);
  CHECK(gitlab_push("[]").to("gitlab").kind == Kind::malformed);
  CHECK(gitlab_push("").to("gitlab").kind == Kind::malformed);
  CHECK(gitlab_push().set("Content-Type", "application/x-www-form-urlencoded").to("gitlab").kind ==
        Kind::unsupported_type);
}
