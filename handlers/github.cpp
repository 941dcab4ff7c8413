#include "handlers/github.h"

#include <array>

#include "handlers/media_type.h"
#include "handlers/payload.h"
#include "handlers/proof.h"
#include "handlers/push.h"

namespace gitopsd::handlers {
namespace {

using Kind = Outcome::Kind;
constexpr std::string_view kSignature = "X-Hub-Signature-256";
constexpr std::string_view kEvent = "X-GitHub-Event";
constexpr std::string_view kDelivery = "X-GitHub-Delivery";

constexpr std::array<std::string_view, 4> kGitHubClaim{"full_name", "clone_url", "ssh_url", "html_url"};
constexpr std::array<std::string_view, 10> kGitHubStorable{"user-agent",
                                                           "content-type",
                                                           "x-github-event",
                                                           "x-github-delivery",
                                                           "x-github-hook-id",
                                                           "x-github-hook-installation-target-id",
                                                           "x-github-hook-installation-target-type",
                                                           "x-github-enterprise-host",
                                                           "x-github-enterprise-version",
                                                           "x-gitea-event"};

/// pusher.name is GitHub's login of who pushed; Gitea has pusher.login.
std::string_view actor(PushReader& read, const Node& root) {
  const Node pusher = read.optional_object(root, "pusher");
  const Node sender = read.optional_object(root, "sender");
  for (const auto name : {read.optional_text(pusher, "name"), read.optional_text(pusher, "login"),
                          read.optional_text(sender, "login")})
    if (!name.empty()) return name;
  return {};
}

void read_push(std::string_view json, Outcome& outcome) {
  const Payload payload(json);
  if (!payload.problem().empty()) {
    end(outcome, Kind::malformed, payload.problem());
    return;
  }
  const Node root = payload.root();
  PushReader read;
  if (!root.is(Node::Kind::object)) read.refuse("the payload is not an object");
  PushEvent event = read.change(root, actor(read, root));
  const Node deleted = root["deleted"];
  if (deleted.is(Node::Kind::boolean) ? deleted.boolean() != event.deleted : !deleted.is(Node::Kind::missing))
    read.refuse("`deleted` does not agree with `after`");
  read.objects(root, "commits");
  read.optional_object(root, "head_commit");
  outcome.repository = read.claim(read.object(root, "repository"), kGitHubClaim);
  if (!read.problem().empty()) {
    end(outcome, Kind::malformed, read.problem());
    return;
  }
  outcome.kind = Kind::accepted;
  outcome.pushes.push_back(std::move(event));
}

class GitHub final : public Handler {
 public:
  std::string_view forge() const override { return "github"; }
  std::span<const std::string_view> storable_headers() const override { return kGitHubStorable; }

  Outcome handle(const Delivery& delivery, std::span<const Secret> secrets) const override {
    const Headers& headers = delivery.headers;
    if (headers.count(kSignature) == 0)
      return unauthenticated("no X-Hub-Signature-256 header: the hook has no secret");
    if (headers.count(kSignature) > 1) return unauthenticated("more than one X-Hub-Signature-256 header");
    const auto claimed = parse_hub_signature(headers.find(kSignature));
    if (!claimed)
      return unauthenticated("X-Hub-Signature-256 is not sha256= and 64 lower-case hexadecimal digits");
    const auto proven = verify_hmac(secrets, delivery.body, *claimed);
    if (!proven)
      return unauthenticated(
          "X-Hub-Signature-256 does not match: the secrets differ, or the body was changed");

    Outcome outcome;
    outcome.digest = *proven;
    outcome.body_signed = true;
    for (const auto name : {kEvent, kDelivery, std::string_view("Content-Type")})
      if (headers.count(name) != 1)
        return end(outcome, Kind::malformed, "not exactly one " + std::string(name) + " header");
    if (!valid_delivery_id(headers.find(kDelivery)))
      return end(outcome, Kind::malformed, "X-GitHub-Delivery is no delivery id");
    outcome.delivery = DeliveryId(std::string(headers.find(kDelivery)));
    outcome.event = printable_header(headers.find(kEvent));
    return read(delivery, std::move(outcome));
  }

 private:
  static Outcome read(const Delivery& delivery, Outcome outcome) {
    const MediaType type = media_type(delivery.headers.find("Content-Type"));
    if (type == MediaType::other)
      return end(outcome, Kind::unsupported_type, "the content type is neither JSON nor a form");
    if (outcome.event == "ping") return end(outcome, Kind::ignored, "ping");
    if (outcome.event != "push")
      return end(outcome, Kind::ignored, "event " + outcome.event + " is not a push");
    if (type == MediaType::json) {
      read_push(delivery.body, outcome);
    } else if (const auto json = form_payload(delivery.body)) {
      read_push(*json, outcome);
    } else {
      end(outcome, Kind::malformed, "the form has not exactly one well-formed field `payload`");
    }
    return outcome;
  }
};

}  // namespace

const Handler& github() {
  static const GitHub handler;
  return handler;
}

}  // namespace gitopsd::handlers
