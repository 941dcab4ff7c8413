#include "daemon/server/door.h"

#include "daemon/server/session.h"

namespace gitopsd::server {

Door::Door(Building& shared)
    : building(shared),
      environment(shared.environment),
      clients(shared.clients),
      budget(shared.budget),
      tally(shared.tally),
      handover(io, environment) {}

Door::~Door() = default;

void Tally::count(Verdict verdict) {
  switch (verdict) {
    case Verdict::accepted:
      ++accepted;
      break;
    case Verdict::duplicate:
      ++duplicates;
      break;
    case Verdict::ignored:
      ++ignored;
      break;
    case Verdict::unauthenticated:
      ++unauthenticated;
      break;
    case Verdict::malformed:
      ++malformed;
      break;
    case Verdict::limited:
      ++rejected_limits;
      break;
    case Verdict::store_error:
      ++store_errors;
      break;
  }
}

Counters Tally::read() const {
  Counters counters;
  counters.connections = connections;
  counters.requests = requests;
  counters.accepted = accepted;
  counters.duplicates = duplicates;
  counters.ignored = ignored;
  counters.unauthenticated = unauthenticated;
  counters.malformed = malformed;
  counters.rejected_limits = rejected_limits;
  counters.store_errors = store_errors;
  counters.handshake_failures = handshake_failures;
  return counters;
}

const std::string& Door::date(WallMicros now) {
  if (const WallMicros second = now / 1'000'000; second != date_second_) {
    date_second_ = second;
    date_ = http_date(now);
  }
  return date_;
}

void Door::refuse(const Address& client, std::string_view path, int status, std::string reason) {
  building.refused.add({environment.clock->wall(), hook_of(path), client.str(), status, std::move(reason)});
}

}  // namespace gitopsd::server
