#include "handlers/gitlab.h"

#include <array>

#include "base/hash.h"
#include "handlers/gitlab_proof.h"
#include "handlers/media_type.h"
#include "handlers/payload.h"
#include "handlers/proof.h"
#include "handlers/push.h"

namespace gitopsd::handlers {
namespace {

using Kind = Outcome::Kind;

constexpr std::array<std::string_view, 4> kGitLabClaim{"path_with_namespace", "git_http_url", "git_ssh_url",
                                                       "web_url"};
constexpr std::array<std::string_view, 9> kGitLabStorable{
    "user-agent",        "content-type",    "x-gitlab-event", "x-gitlab-event-uuid", "x-gitlab-webhook-uuid",
    "x-gitlab-instance", "idempotency-key", "webhook-id",     "webhook-timestamp"};

/// The header that names the delivery; the same again on a retry.
std::string_view delivery_header(const Headers& headers, bool body_signed) {
  if (body_signed) return "webhook-id";
  return headers.count("Idempotency-Key") > 0 ? "Idempotency-Key" : "X-Gitlab-Event-UUID";
}

/// `repository_update` of a system hook lists every ref that one push moved.
void read_changes(PushReader& read, const Node& root, std::string_view actor, Outcome& outcome) {
  for (const Node& change : read.objects(root, "changes"))
    outcome.pushes.push_back(read.change(change, actor));
  if (outcome.pushes.empty()) read.refuse("`changes` is empty");
}

void read_push(PushReader& read, const Node& root, Outcome& outcome) {
  const auto login = read.optional_text(root, "user_username");
  const auto actor = login.empty() ? read.optional_text(root, "user_name") : login;
  if (outcome.event == "repository_update") {
    read_changes(read, root, actor, outcome);
  } else {
    outcome.pushes.push_back(read.change(root, actor));
    read.objects(root, "commits");
    read.optional_text(root, "checkout_sha");
  }
  outcome.repository = read.claim(read.object(root, "project"), kGitLabClaim);
}

/// Which of the payload's kinds the header's event may carry.
bool fits(std::string_view header, std::string_view kind) {
  if (header == "Push Hook") return kind == "push";
  if (header == "Tag Push Hook") return kind == "tag_push";
  return kind == "push" || kind == "tag_push" || kind == "repository_update";
}

Outcome read(const Delivery& delivery, Outcome outcome) {
  if (media_type(delivery.headers.find("Content-Type")) != MediaType::json)
    return end(outcome, Kind::unsupported_type, "the content type is not JSON");
  const std::string header = outcome.event;
  if (header != "Push Hook" && header != "Tag Push Hook" && header != "System Hook")
    return end(outcome, Kind::ignored, "event " + header + " is not a push");
  const Payload payload(delivery.body);
  if (!payload.problem().empty()) return end(outcome, Kind::malformed, payload.problem());
  const Node root = payload.root();
  PushReader reader;
  if (!root.is(Node::Kind::object)) reader.refuse("the payload is not an object");
  // Project hooks have object_kind, system hooks at least event_name.
  const auto object_kind = reader.optional_text(root, "object_kind");
  const auto kind = object_kind.empty() ? reader.text(root, "event_name") : object_kind;
  if (!reader.problem().empty()) return end(outcome, Kind::malformed, reader.problem());
  outcome.event = printable_actor(kind);
  if (!fits(header, kind)) {
    if (header != "System Hook")
      return end(outcome, Kind::malformed, "`object_kind` does not agree with X-Gitlab-Event");
    return end(outcome, Kind::ignored, "system event " + outcome.event + " is not a push");
  }
  read_push(reader, root, outcome);
  if (!reader.problem().empty()) {
    outcome.pushes.clear();
    return end(outcome, Kind::malformed, reader.problem());
  }
  outcome.kind = Kind::accepted;
  return outcome;
}

class GitLab final : public Handler {
 public:
  std::string_view forge() const override { return "gitlab"; }
  std::span<const std::string_view> storable_headers() const override { return kGitLabStorable; }

  Outcome handle(const Delivery& delivery, std::span<const Secret> secrets) const override {
    const Headers& headers = delivery.headers;
    const GitLabProof proof = prove_gitlab(delivery, secrets);
    if (!proof.problem.empty()) return unauthenticated(proof.problem);

    Outcome outcome;
    // A retry is signed anew over a new timestamp, so the MAC would make it look like another delivery.
    outcome.digest = sha256(delivery.body);
    outcome.body_signed = proof.body_signed;
    const auto id = delivery_header(headers, proof.body_signed);
    for (const auto name : {std::string_view("X-Gitlab-Event"), id, std::string_view("Content-Type")})
      if (headers.count(name) != 1)
        return end(outcome, Kind::malformed, "not exactly one " + std::string(name) + " header");
    if (!valid_delivery_id(headers.find(id)))
      return end(outcome, Kind::malformed, std::string(id) + " is no delivery id");
    outcome.delivery = DeliveryId(std::string(headers.find(id)));
    outcome.event = printable_header(headers.find("X-Gitlab-Event"));
    return read(delivery, std::move(outcome));
  }
};

}  // namespace

const Handler& gitlab() {
  static const GitLab handler;
  return handler;
}

}  // namespace gitopsd::handlers
