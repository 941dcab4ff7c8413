#include "daemon/server/receive.h"

#include <utility>

namespace gitopsd::server {
namespace {

using Kind = handlers::Outcome::Kind;

Received refused(Verdict verdict, Answer answer, std::string reason) {
  Received received;
  received.verdict = verdict;
  received.answer = std::move(answer);
  received.reason = std::move(reason);
  return received;
}

Received refused(Verdict verdict, int status, const std::string& reason) {
  return refused(verdict, refuse(status, reason), reason);
}

Received ignored(const std::string& reason) {
  return refused(Verdict::ignored, ignored_answer(reason), reason);
}

std::string claimed_name(const handlers::RepositoryClaim& claim) {
  return claim.full_name.substr(0, 128);
}

store::NewEvent new_event(const handlers::Outcome& outcome, handlers::PushEvent& push,
                          const RepositoryName& repository, WallMicros now) {
  store::NewEvent event;
  event.cause = store::Cause::push;
  event.repository = repository;
  event.ref = std::move(push.ref);
  event.before = std::move(push.before);
  event.after = std::move(push.after);
  event.deleted = push.deleted;
  event.body_signed = outcome.body_signed;
  event.actor = std::move(push.actor);
  event.received = now;
  return event;
}

Received accept(const Routes& routes, const HookRoute& route, const Head& head, handlers::Outcome outcome,
                WallMicros now) {
  const config::Repository* repository =
      route.repositories.find(outcome.repository.full_name, outcome.repository.urls);
  if (repository == nullptr) {
    return refused(Verdict::unauthenticated, unauthenticated_answer(),
                   "the payload's repository " + claimed_name(outcome.repository) +
                       " is none, or more than one, of those that hook " + route.hook->name.str() +
                       " may speak for");
  }
  const std::string first_ref = outcome.pushes.front().ref.str();
  store::Delivery delivery;
  for (handlers::PushEvent& push : outcome.pushes)
    if (routes.followed(repository->name, push.ref))
      delivery.events.push_back(new_event(outcome, push, repository->name, now));
  if (delivery.events.empty())
    return ignored("no application follows " + first_ref + " of repository " + repository->name.str());
  delivery.hook = route.hook->name;
  delivery.id = std::move(outcome.delivery);
  delivery.received = now;
  delivery.digest = outcome.digest;
  delivery.headers = storable_headers(*route.handler, head.headers);
  Received received;
  received.verdict = Verdict::accepted;
  received.delivery = std::move(delivery);
  return received;
}

}  // namespace

Received receive(const Routes& routes, const HookRoute& route, const Head& head, std::string_view body,
                 WallMicros now) {
  handlers::Delivery delivery;
  delivery.headers = head.headers;
  delivery.body = body;
  delivery.now = now;
  handlers::Outcome outcome = route.handler->handle(delivery, route.secrets);
  switch (outcome.kind) {
    case Kind::accepted:
      return accept(routes, route, head, std::move(outcome), now);
    case Kind::ignored:
      return ignored(outcome.reason);
    case Kind::unsupported_type:
      return refused(Verdict::malformed, 415, outcome.reason);
    case Kind::malformed:
      return refused(Verdict::malformed, 400, outcome.reason);
    case Kind::unauthenticated:
      break;
  }
  Received received = refused(Verdict::unauthenticated, unauthenticated_answer(), std::move(outcome.reason));
  received.failed_proof = true;
  return received;
}

std::string storable_headers(const handlers::Handler& handler, const handlers::Headers& headers) {
  std::string json = "{";
  json.reserve(384);
  for (const std::string_view name : handler.storable_headers()) {
    const std::string_view value = headers.find(name);
    if (value.data() == nullptr) continue;
    if (json.size() > 1) json += ',';
    append_json_text(json, name);
    json += ':';
    append_json_text(json, value.substr(0, 256));
  }
  json += '}';
  return json;
}

std::optional<Received> check_head(const Routes& routes, const Head& head) {
  if (routes.find(path_of(head.target)) == nullptr) return refused(Verdict::malformed, 404, "no such path");
  if (head.method != "POST") return refused(Verdict::malformed, 405, "only POST");
  if (head.transfer_encoding || !head.content_length)
    return refused(Verdict::limited, 411, "a Content-Length is needed");
  if (*head.content_length > routes.limits().body_bytes)
    return refused(Verdict::limited, 413,
                   "the body has more than " + std::to_string(routes.limits().body_bytes) + " bytes");
  return std::nullopt;
}

}  // namespace gitopsd::server
