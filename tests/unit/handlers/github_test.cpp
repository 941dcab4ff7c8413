#include <doctest/doctest.h>

#include "deliveries.h"

using namespace gitopsd;
using namespace gitopsd::handlers;
using Kind = Outcome::Kind;

namespace {

Outcome github_with(const std::string& from, const std::string& to) {
  return github_push(replaced(github_body(), from, to)).to("github");
}

std::string form_escape(const std::string& text) {
  std::string out;
  for (const unsigned char c : text) {
    if (std::isalnum(c))
      out += static_cast<char>(c);
    else if (c == ' ')
      out += '+';
    else {
      const std::uint8_t byte = c;
      out += "%" + to_hex({&byte, 1});
    }
  }
  return out;
}

Sent form_push(const std::string& body) {
  return github_push(body).set("Content-Type", "application/x-www-form-urlencoded");
}

}  // namespace

TEST_CASE("GitHub's published vector verifies, and only with its secret") {
  const std::string secret = "It's a Secret to Everybody";
  auto sent = github_push("Hello, World!")
                  .set("X-Hub-Signature-256",
                       "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17")
                  .set("X-GitHub-Event", "ping");
  const auto outcome = sent.to("github", {secret});
  CHECK(outcome.kind == Kind::ignored);
  CHECK(outcome.reason == "ping");
  CHECK(to_hex(outcome.digest) == "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
  CHECK(sent.to("github", {"it's a secret to everybody"}).kind == Kind::unauthenticated);
  // Authentic, but no push: the text is no JSON.
  CHECK(sent.set("X-GitHub-Event", "push").to("github", {secret}).kind == Kind::malformed);
}

TEST_CASE("A GitHub push becomes one event") {
  const auto outcome = github_push().to("github");
  REQUIRE(outcome.kind == Kind::accepted);
  CHECK(outcome.delivery.str() == "72d3162e-cc78-11e3-81ab-4c9367dc0958");
  CHECK(outcome.event == "push");
  CHECK(outcome.body_signed);
  CHECK(outcome.digest == hmac_sha256(kSecret, github_body()));
  CHECK(outcome.repository.full_name == "octo/hello");
  CHECK(outcome.repository.urls == std::vector<std::string>{"https://github.com/octo/hello.git",
                                                            "git@github.com:octo/hello.git",
                                                            "https://github.com/octo/hello"});
  REQUIRE(outcome.pushes.size() == 1);
  const PushEvent& push = outcome.pushes[0];
  CHECK(push.ref.str() == "refs/heads/main");
  CHECK(push.before.str() == kBefore);
  CHECK(push.after.str() == kAfter);
  CHECK_FALSE(push.deleted);
  CHECK(push.actor == "mona");
}

TEST_CASE("Header names compare without case") {
  auto sent = github_push();
  for (auto& field : sent.fields)
    for (char& c : field.first) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  CHECK(sent.to("github").kind == Kind::accepted);
}

TEST_CASE("Creations and deletions have an all-zero side") {
  const auto created = github_with(kBefore, kZero);
  REQUIRE(created.kind == Kind::accepted);
  CHECK(created.pushes[0].before.empty());

  auto body = replaced(github_body(), kAfter, kZero);
  body = replaced(body, "\"deleted\":false", "\"deleted\":true");
  body = replaced(body, "\"head_commit\":{\"id\":\"x\"}", "\"head_commit\":null");
  const auto deleted = github_push(body).to("github");
  REQUIRE(deleted.kind == Kind::accepted);
  CHECK(deleted.pushes[0].deleted);
  CHECK(deleted.pushes[0].after.empty());

  CHECK(github_with("\"deleted\":false", "\"deleted\":true").kind == Kind::malformed);
  CHECK(github_with(kAfter, kZero).kind == Kind::malformed);
}

TEST_CASE("Either secret of a rotation matches") {
  CHECK(github_push().to("github", {"the-new-secret-of-16", kSecret}).kind == Kind::accepted);
  CHECK(github_push().to("github", {kSecret, "the-new-secret-of-16"}).kind == Kind::accepted);
  CHECK(github_push().to("github", {"the-new-secret-of-16"}).kind == Kind::unauthenticated);
  CHECK(github_push().to("github", {}).kind == Kind::unauthenticated);
}

TEST_CASE("An empty secret proves nothing") {
  auto sent = github_push();
  sent.set("X-Hub-Signature-256", hub_signature(sent.body, ""));
  CHECK(sent.to("github", {""}).kind == Kind::unauthenticated);
}

TEST_CASE("A signature of another length, case or algorithm is no proof") {
  const std::string right = hub_signature(github_body());
  std::string upper = right;
  for (std::size_t i = 7; i < upper.size(); ++i)
    upper[i] = static_cast<char>(std::toupper(static_cast<unsigned char>(upper[i])));
  const std::vector<std::string> wrong{"",
                                       "sha256=",
                                       right.substr(7),
                                       right.substr(0, right.size() - 1),
                                       right + "0",
                                       right + " ",
                                       " " + right,
                                       upper,
                                       "SHA256=" + right.substr(7),
                                       "sha1=" + right.substr(7),
                                       "sha512=" + right.substr(7),
                                       right + "," + right,
                                       "sha256=" + std::string(64, 'g'),
                                       "sha256=" + std::string(64, '0'),
                                       "sha256:" + right.substr(7)};
  for (const auto& header : wrong) {
    CAPTURE(header);
    CHECK(github_push().set("X-Hub-Signature-256", header).to("github").kind == Kind::unauthenticated);
  }
  CHECK(github_push().set("X-Hub-Signature-256", right).to("github").kind == Kind::accepted);
}

TEST_CASE("Every single changed bit of body or signature is seen") {
  const auto sent = github_push();
  for (std::size_t i = 0; i < sent.body.size(); i += 7) {
    auto changed = sent;
    changed.body[i] = static_cast<char>(changed.body[i] ^ 1);
    CHECK(changed.to("github").kind == Kind::unauthenticated);
  }
  const auto right = hub_signature(sent.body);
  for (std::size_t i = 7; i < right.size(); ++i) {
    auto header = right;
    header[i] = header[i] == '0' ? '1' : '0';
    auto changed = sent;
    CHECK(changed.set("X-Hub-Signature-256", header).to("github").kind == Kind::unauthenticated);
  }
}

TEST_CASE("A missing or doubled proof is refused, SHA-1 alone too") {
  CHECK(github_push().drop("X-Hub-Signature-256").to("github").kind == Kind::unauthenticated);
  CHECK(github_push()
            .drop("X-Hub-Signature-256")
            .set("X-Hub-Signature", hub_signature(github_body()))
            .to("github")
            .kind == Kind::unauthenticated);
  CHECK(github_push().add("X-Hub-Signature-256", hub_signature(github_body())).to("github").kind ==
        Kind::unauthenticated);
  CHECK(github_push().add("x-hub-signature-256", "sha256=00").to("github").kind == Kind::unauthenticated);
}

TEST_CASE("An authentic delivery needs its id, event and type exactly once") {
  CHECK(github_push().drop("X-GitHub-Delivery").to("github").kind == Kind::malformed);
  CHECK(github_push().add("X-GitHub-Delivery", "other").to("github").kind == Kind::malformed);
  CHECK(github_push().set("X-GitHub-Delivery", "").to("github").kind == Kind::malformed);
  CHECK(github_push().set("X-GitHub-Delivery", "a b").to("github").kind == Kind::malformed);
  CHECK(github_push().set("X-GitHub-Delivery", "a\nb").to("github").kind == Kind::malformed);
  CHECK(github_push().set("X-GitHub-Delivery", std::string(129, 'a')).to("github").kind == Kind::malformed);
  CHECK(github_push().set("X-GitHub-Delivery", std::string(128, 'a')).to("github").kind == Kind::accepted);
  CHECK(github_push().drop("X-GitHub-Event").to("github").kind == Kind::malformed);
  CHECK(github_push().add("X-GitHub-Event", "ping").to("github").kind == Kind::malformed);
  CHECK(github_push().add("Content-Type", "text/plain").to("github").kind == Kind::malformed);
}

TEST_CASE("Other events and types") {
  CHECK(github_push().set("X-GitHub-Event", "ping").to("github").kind == Kind::ignored);
  const auto star = github_push().set("X-GitHub-Event", "star").to("github");
  CHECK(star.kind == Kind::ignored);
  CHECK(star.reason == "event star is not a push");
  CHECK(github_push().set("X-GitHub-Event", "Push").to("github").kind == Kind::ignored);
  CHECK(github_push().set("Content-Type", "text/plain").to("github").kind == Kind::unsupported_type);
  CHECK(github_push().set("Content-Type", "application/json; charset=utf-16").to("github").kind ==
        Kind::unsupported_type);
  CHECK(github_push().set("Content-Type", "Application/JSON; charset=UTF-8").to("github").kind ==
        Kind::accepted);
}

TEST_CASE("A form's signature covers the raw form") {
  const std::string body = "payload=" + form_escape(github_body());
  const auto outcome = form_push(body).to("github");
  REQUIRE(outcome.kind == Kind::accepted);
  CHECK(outcome.pushes[0].after.str() == kAfter);
  CHECK(outcome.digest == hmac_sha256(kSecret, body));
  CHECK(form_push(body).set("X-Hub-Signature-256", hub_signature(github_body())).to("github").kind ==
        Kind::unauthenticated);
}

TEST_CASE("A form without exactly one well-formed payload is malformed") {
  const std::string good = form_escape(github_body());
  for (const std::string& body :
       {std::string(), std::string("payload="), "other=" + good, "payload=" + good + "&payload=" + good,
        "payload=" + good + "%", "payload=" + good + "%7", "payload=%zz" + good, "xpayload=" + good,
        std::string("payload"), std::string("&&&")}) {
    CAPTURE(body);
    CHECK(form_push(body).to("github").kind == Kind::malformed);
  }
  CHECK(form_push("a=b&payload=" + good + "&c").to("github").kind == Kind::accepted);
}

TEST_CASE("Fields of the wrong type are malformed, with the field's name") {
  const std::string repository = github_body().substr(github_body().find("\"repository\":"));
  const std::string object = repository.substr(0, repository.find("},") + 1);
  const struct {
    std::string from, to, name;
  } cases[] = {
      {object, "\"repository\":null", "`repository`"},
      {object, "\"repository\":[]", "`repository`"},
      {object, "\"repository\":\"octo/hello\"", "`repository`"},
      {object, "\"repository\":{}", "`full_name`"},
      {object, "\"x\":1", "`repository`"},
      {"\"full_name\":\"octo/hello\"", "\"full_name\":7", "`full_name`"},
      {"\"full_name\":\"octo/hello\"", "\"full_name\":\"" + std::string(5000, 'x') + "\"", "`full_name`"},
      {"\"clone_url\":\"https://github.com/octo/hello.git\"", "\"clone_url\":{}", "`clone_url`"},
      {"\"commits\":[{\"id\":\"x\",\"message\":\"say \\\"hi\\\"\"}]", "\"commits\":null", "`commits`"},
      {"\"commits\":[{\"id\":\"x\",\"message\":\"say \\\"hi\\\"\"}]", "\"commits\":{}", "`commits`"},
      {"\"commits\":[{\"id\":\"x\",\"message\":\"say \\\"hi\\\"\"}]", "\"commits\":[1]", "`commits`"},
      {"\"commits\":[{\"id\":\"x\",\"message\":\"say \\\"hi\\\"\"}]", "\"c\":1", "`commits`"},
      {"\"ref\":\"refs/heads/main\"", "\"ref\":null", "`ref`"},
      {"\"ref\":\"refs/heads/main\"", "\"ref\":[\"refs/heads/main\"]", "`ref`"},
      {"\"deleted\":false", "\"deleted\":\"false\"", "`deleted`"},
      {"\"pusher\":{\"name\":\"mona\"}", "\"pusher\":3", "`pusher`"},
      {"\"pusher\":{\"name\":\"mona\"}", "\"pusher\":{\"name\":[]}", "`name`"},
      {"\"head_commit\":{\"id\":\"x\"}", "\"head_commit\":1", "`head_commit`"},
      {kAfter, "HEAD", "`after`"},
      {kAfter, kAfter + kAfter.substr(0, 24), "SHA-256"},
      {kAfter, kAfter.substr(1), "`after`"},
      {kBefore, "", "`before`"},
  };
  for (const auto& one : cases) {
    CAPTURE(one.to);
    const auto outcome = github_with(one.from, one.to);
    CHECK(outcome.kind == Kind::malformed);
    CHECK(outcome.pushes.empty());
    CHECK(outcome.reason.find(one.name) != std::string::npos);
  }
}

TEST_CASE("A ref that could hurt is malformed") {
  for (const char* ref : {"",
                          "main",
                          "-x",
                          "--upload-pack=x",
                          "refs/heads/-x",
                          "refs/heads/../main",
                          "refs/heads/a..b",
                          "refs/heads/a\\u0001b",
                          "refs/heads/a\\nb",
                          "refs/heads/a b",
                          "refs/heads/",
                          "/refs/heads/x",
                          "refs/heads/x.lock",
                          "refs/heads/@{1}",
                          "refs/heads/a~1",
                          "refs/heads/a^",
                          "refs/heads/a:b",
                          "refs/heads/a\\u0000b",
                          "refs/heads/a\\\\b",
                          "heads/main",
                          "refs//heads/main"}) {
    CAPTURE(ref);
    const auto outcome = github_with("refs/heads/main", ref);
    CHECK(outcome.kind == Kind::malformed);
    CHECK(outcome.reason.find("`ref`") != std::string::npos);
  }
  CHECK(github_with("refs/heads/main", "refs/heads/feature/x-y").kind == Kind::accepted);
  CHECK(github_with("refs/heads/main", "refs/heads/\\u00fc").kind == Kind::accepted);
}

TEST_CASE("Bodies that are no payload are malformed") {
  const std::string deep(100'000, '[');
  const std::vector<std::string> bodies{std::string(),
                                        std::string("null"),
                                        std::string("[]"),
                                        std::string("7"),
                                        std::string("\"push\""),
                                        std::string("{"),
                                        std::string("{}"),
                                        deep,
                                        github_body() + "x",
                                        "{\"ref\":\"\xff\"}",
                                        std::string("{\"a\":1e999}"),
                                        github_body().substr(0, 100),
                                        std::string("\0\0\0", 3),
                                        std::string(1 << 20, ' ')};
  for (const auto& body : bodies) {
    const auto outcome = github_push(body).to("github");
    CHECK(outcome.kind == Kind::malformed);
    CHECK_FALSE(outcome.reason.empty());
  }
}

TEST_CASE("Nesting is bounded at 128") {
  const auto nested = [](int depth) {
    return replaced(github_body(), "\"created\":false",
                    "\"x\":" + std::string(depth, '[') + std::string(depth, ']'));
  };
  CHECK(github_push(nested(126)).to("github").kind == Kind::accepted);
  const auto outcome = github_push(nested(128)).to("github");
  CHECK(outcome.kind == Kind::malformed);
  CHECK(outcome.reason.find("128") != std::string::npos);
}

TEST_CASE("Small and large bodies take turns") {
  const auto large = replaced(github_body(), "say", std::string(3 << 20, 's'));
  for (int i = 0; i < 3; ++i) {
    CHECK(github_push(large).to("github").kind == Kind::accepted);
    CHECK(github_push().to("github").kind == Kind::accepted);
  }
}

TEST_CASE("The actor is printable and bounded") {
  std::string long_name;
  for (int i = 0; i < 200; ++i) long_name += "\xc3\xbc";
  CHECK(github_with("\"name\":\"mona\"", "\"name\":\"" + long_name + "\"").pushes.at(0).actor ==
        long_name.substr(0, 256));
  CHECK(github_with("\"name\":\"mona\"", "\"name\":\"x" + long_name + "\"").pushes.at(0).actor.size() == 255);
  CHECK(github_with("\"name\":\"mona\"", "\"name\":\"a\\u001b[31m\"").pushes.at(0).actor == "a?[31m");
  CHECK(github_with("\"pusher\":{\"name\":\"mona\"},\"sender\":{\"login\":\"mona\"}", "\"x\":1")
            .pushes.at(0)
            .actor.empty());
}

TEST_CASE("Gitea's delivery, whose headers are GitHub's too, is a push") {
  const std::string body =
      R"({"ref":"refs/heads/main","before":")" + kBefore + R"(","after":")" + kAfter +
      R"(","compare_url":"http://127.0.0.1/a","commits":[{"id":"x"}],"total_commits":1,"head_commit":{"id":"x"},)"
      R"("repository":{"id":1,"full_name":"demo/app","html_url":"http://127.0.0.1:3000/demo/app",)"
      R"("ssh_url":"git@127.0.0.1:demo/app.git","clone_url":"http://127.0.0.1:3000/demo/app.git"},)"
      R"("pusher":{"id":1,"login":"demo","full_name":"","username":"demo"},"sender":{"id":1,"login":"demo"}})";
  const Sent sent{{{"Content-Type", "application/json"},
                   {"X-Gitea-Delivery", "f6266f16-1bf3-46a5-9ea4-602e06ead473"},
                   {"X-Gitea-Event", "push"},
                   {"X-Gitea-Signature", to_hex(hmac_sha256(kSecret, body))},
                   {"X-Gogs-Event", "push"},
                   {"X-Hub-Signature", "sha1=00"},
                   {"X-Hub-Signature-256", hub_signature(body)},
                   {"X-GitHub-Delivery", "f6266f16-1bf3-46a5-9ea4-602e06ead473"},
                   {"X-GitHub-Event", "push"},
                   {"X-GitHub-Event-Type", "push"}},
                  body};
  const auto outcome = sent.to("github");
  REQUIRE(outcome.kind == Kind::accepted);
  CHECK(outcome.pushes[0].actor == "demo");
  CHECK(outcome.repository.full_name == "demo/app");
}
