#include "daemon/sync/same_destination.h"

#include "base/log.h"

namespace gitopsd::sync {
namespace {

protocol::Condition another(const DestinationName& name, const store::KnownDestination& known,
                            const std::string& identity) {
  protocol::Condition condition;
  const std::string since = rfc3339(known.since);
  const std::string accept = "gitopsctl destination accept " + name.str();
  if (identity.empty()) {
    condition.message = "whether it is the one that it was cannot be told: since " + since + " it was " +
                        known.identity + "; nothing is done there";
    condition.hint = "give its credentials the right to what tells it, or go on without: " + accept;
    return condition;
  }
  condition.message = "it is another one than before: since " + since + " it was " + known.identity +
                      ", and now " + identity + " answers; nothing is done there";
  condition.hint =
      "put back what led to the first, such as its kubeconfig, or have all of it made at this one: " +
      accept + " --identity " + identity;
  return condition;
}

}  // namespace

std::string meant_destination(const store::Store& store, const DestinationName& name) {
  const auto known = store.destination(name);
  return known && store.owns_at(name) ? known->identity : std::string();
}

std::optional<protocol::Condition> judge_destination(store::Store& store, const DestinationName& name,
                                                     const std::string& identity) {
  const auto known = store.destination(name);
  if (known ? known->identity == identity : identity.empty()) return std::nullopt;
  if (known && store.owns_at(name)) return another(name, *known, identity);
  store.set_destination(name, identity);
  if (!identity.empty())
    log::info("destination is known from now on", {{"destination", name.str()}, {"identity", identity}});
  return std::nullopt;
}

}  // namespace gitopsd::sync
