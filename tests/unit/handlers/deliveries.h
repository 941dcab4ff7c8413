// Deliveries as the forges send them, signed by the test.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "handlers/handler.h"

namespace gitopsd::handlers {

inline const std::string kSecret = "a-secret-of-enough-length";
inline const std::string kAfter = "6113728f27ae82c7b1a177c8d03f9e96e0adf246";
inline const std::string kBefore = "d70c5c6fa6389f7f0a1d0f9f9f6f3a3b8a0f1c22";
inline const std::string kZero(40, '0');

using Fields = std::vector<std::pair<std::string, std::string>>;

/// Owns what the views of a Delivery point to.
struct Sent {
  Fields fields;
  std::string body;
  WallMicros now = 1'700'000'000'000'000;

  Sent& set(const std::string& name, const std::string& value) {
    drop(name).fields.emplace_back(name, value);
    return *this;
  }
  Sent& add(const std::string& name, const std::string& value) {
    fields.emplace_back(name, value);
    return *this;
  }
  Sent& drop(const std::string& name) {
    std::erase_if(fields, [&](const auto& field) { return field.first == name; });
    return *this;
  }
  Outcome to(std::string_view forge, const std::vector<std::string>& secrets = {kSecret}) const {
    Delivery delivery;
    for (const auto& [name, value] : fields) delivery.headers.add(name, value);
    delivery.body = body;
    delivery.now = now;
    std::vector<Secret> owned;
    for (const auto& secret : secrets) owned.emplace_back(secret);
    return find_handler(forge)->handle(delivery, owned);
  }
};

inline std::string hub_signature(const std::string& body, const std::string& secret = kSecret) {
  return "sha256=" + to_hex(hmac_sha256(secret, body));
}

inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  if (at == std::string::npos) throw std::runtime_error("the fixture has no " + from);
  return text.replace(at, from.size(), to);
}

inline std::string github_body() {
  return R"({"ref":"refs/heads/main","before":")" + kBefore + R"(","after":")" + kAfter +
         R"(","created":false,"deleted":false,"forced":false,"commits":[{"id":"x","message":"say \"hi\""}],)"
         R"("head_commit":{"id":"x"},"repository":{"id":1,"full_name":"octo/hello",)"
         R"("html_url":"https://github.com/octo/hello","clone_url":"https://github.com/octo/hello.git",)"
         R"("ssh_url":"git@github.com:octo/hello.git"},"pusher":{"name":"mona"},"sender":{"login":"mona"}})";
}

inline Sent github_push(const std::string& body = github_body()) {
  return {{{"Host", "ci.example"},
           {"Content-Type", "application/json"},
           {"X-GitHub-Event", "push"},
           {"X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"},
           {"X-Hub-Signature-256", hub_signature(body)}},
          body};
}

inline std::string gitlab_body(const std::string& kind = "push") {
  return R"({"object_kind":")" + kind + R"(","event_name":")" + kind + R"(","before":")" + kBefore +
         R"(","after":")" + kAfter + R"(","ref":"refs/heads/main","checkout_sha":")" + kAfter +
         R"(","user_username":"jsmith","project":{"id":15,"path_with_namespace":"group/sub/app",)"
         R"("git_http_url":"https://gitlab.example/group/sub/app.git","git_ssh_url":"git@gitlab.example:group/sub/app.git",)"
         R"("web_url":"https://gitlab.example/group/sub/app"},"commits":[{"id":"x"}],"total_commits_count":1})";
}

/// With a secret token.
inline Sent gitlab_push(const std::string& body = gitlab_body()) {
  return {{{"Content-Type", "application/json"},
           {"X-Gitlab-Event", "Push Hook"},
           {"X-Gitlab-Event-UUID", "13792a34-cac6-4fda-95a8-c58e00a3954e"},
           {"Idempotency-Key", "f5e5f430-f57b-4e6e-9fac-d9128cd7232f"},
           {"X-Gitlab-Token", kSecret}},
          body};
}

}  // namespace gitopsd::handlers
