// Any bytes as a delivery. Signed by the target they reach the payload's readers and come back as one of the
// outcomes; unsigned they are never believed. The first byte chooses forge, event, content type and proof.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "handlers/handler.h"

namespace {

using namespace gitopsd;
using Kind = handlers::Outcome::Kind;

// Random, so that no input can learn it.
const std::string& secret() {
  static const std::string bytes = to_hex(hmac_sha256(random_bytes(32), "fuzz"));
  return bytes;
}

struct Choice {
  bool gitlab, form, forged, signing;
  int event;
  explicit Choice(std::uint8_t byte)
      : gitlab(byte & 1), form(byte & 2), forged(byte & 4), signing(byte & 8), event(byte >> 4 & 3) {}
};

void check(const handlers::Outcome& outcome, const Choice& choice) {
  if (choice.forged && outcome.kind != Kind::unauthenticated) std::abort();
  if (!choice.forged && outcome.kind == Kind::unauthenticated) std::abort();
  if ((outcome.kind == Kind::accepted) != !outcome.pushes.empty()) std::abort();
  if (outcome.kind != Kind::accepted && outcome.reason.empty()) std::abort();
  for (const auto& push : outcome.pushes) {
    const std::string& ref = push.ref.str();
    if (!ref.starts_with("refs/") || ref.find("..") != ref.npos || ref.find("/-") != ref.npos) std::abort();
    if (push.deleted != push.after.empty() || push.after.is_zero() || push.actor.size() > 256) std::abort();
  }
}

void github(std::string_view body, std::string_view proof, const Choice& choice) {
  constexpr std::array<std::string_view, 4> events{"push", "ping", "star", ""};
  const std::string right = "sha256=" + to_hex(hmac_sha256(secret(), body));
  handlers::Delivery delivery;
  delivery.body = body;
  delivery.headers.add("Content-Type",
                       choice.form ? "application/x-www-form-urlencoded" : "application/json");
  delivery.headers.add("X-GitHub-Event", events[static_cast<std::size_t>(choice.event)]);
  delivery.headers.add("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958");
  delivery.headers.add("X-Hub-Signature-256", choice.forged ? proof : std::string_view(right));
  const std::vector<Secret> secrets{Secret(secret())};
  check(handlers::find_handler("github")->handle(delivery, secrets), choice);
}

void gitlab(std::string_view body, std::string_view proof, const Choice& choice) {
  constexpr std::array<std::string_view, 4> events{"Push Hook", "Tag Push Hook", "System Hook", "Note Hook"};
  const std::string token = choice.signing ? "whsec_" + to_base64(secret()) : secret();
  const Sha256 mac = hmac_sha256(secret(), "id.1700000000." + std::string(body));
  const std::string right = "v1," + to_base64({reinterpret_cast<const char*>(mac.data()), mac.size()});
  handlers::Delivery delivery;
  delivery.body = body;
  delivery.now = 1'700'000'000'000'000;
  delivery.headers.add("Content-Type", "application/json");
  delivery.headers.add("X-Gitlab-Event", events[static_cast<std::size_t>(choice.event)]);
  delivery.headers.add("Idempotency-Key", "id");
  delivery.headers.add("webhook-id", "id");
  delivery.headers.add("webhook-timestamp", "1700000000");
  if (choice.signing)
    delivery.headers.add("webhook-signature", choice.forged ? proof : std::string_view(right));
  else
    delivery.headers.add("X-Gitlab-Token", choice.forged ? proof : std::string_view(token));
  const std::vector<Secret> secrets{Secret(token)};
  check(handlers::find_handler("gitlab")->handle(delivery, secrets), choice);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Choice choice(data[0]);
  std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1), proof;
  if (choice.forged) {
    const auto line = body.find('\n');
    proof = body.substr(0, line);
    body = line == body.npos ? std::string_view() : body.substr(line + 1);
  }
  if (choice.gitlab)
    gitlab(body, proof, choice);
  else
    github(body, proof, choice);
  return 0;
}
